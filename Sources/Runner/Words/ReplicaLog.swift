import Diagnostics
import Storage
import Synchronization

/// A line a replica wrote.
package struct AppLogLine: Sendable, Hashable {
  package enum Stream: String, Sendable, Hashable {
    case stdout, stderr
    /// Words of ours about the replica: started, killed for its memory, and so on.
    case platform
  }

  package var moment: Timestamp
  package var replica: ReplicaID
  package var stream: Stream
  /// Without its end; longer ones are cut by whoever makes them.
  package var text: String

  package init(moment: Timestamp, replica: ReplicaID, stream: Stream, text: String) {
    self.moment = moment
    self.replica = replica
    self.stream = stream
    self.text = text
  }
}

/// The last lines of one replica, and those to come. In memory only (contract §1.2: not persisted).
package final class ReplicaLog: Sendable {
  private struct State {
    var lines: [AppLogLine] = []
    var bytes = 0
    var followers: [Int: AsyncStream<AppLogLine>.Continuation] = [:]
    var nextFollower = 0
    var isClosed = false
  }

  private let state = Mutex(State())
  private let lineLimit: Int
  private let byteLimit: Int

  package init(lines: Int = 2000, bytes: ByteCount = .mebibytes(1)) {
    lineLimit = lines
    byteLimit = Int(bytes.bytes)
  }

  package func append(_ line: AppLogLine) {
    state.withLock { state in
      state.lines.append(line)
      state.bytes += line.text.utf8.count
      // A quarter at a time, so that a chatty replica does not move the whole buffer for every line.
      if state.lines.count > lineLimit || state.bytes > byteLimit {
        let gone = max(1, state.lines.count / 4)
        state.bytes -= state.lines.prefix(gone).reduce(0) { $0 + $1.text.utf8.count }
        state.lines.removeFirst(gone)
      }
      for follower in state.followers.values { follower.yield(line) }
    }
  }

  /// No more lines come; followers end.
  package func close() {
    let followers = state.withLock { state in
      state.isClosed = true
      defer { state.followers = [:] }
      return Array(state.followers.values)
    }
    for follower in followers { follower.finish() }
  }

  /// The last `count` lines, oldest first.
  package func last(_ count: Int) -> [AppLogLine] { state.withLock { Array($0.lines.suffix(count)) } }

  /// Lines to come until the replica's end; with `replaying` the kept ones before them. A follower that does not read
  /// loses the oldest of 4,096 lines.
  package func follow(replaying: Bool = false) -> AsyncStream<AppLogLine> {
    AsyncStream(bufferingPolicy: .bufferingNewest(4096)) { continuation in
      let number = state.withLock { state -> Int? in
        if replaying { for line in state.lines { continuation.yield(line) } }
        guard !state.isClosed else { return nil }
        defer { state.nextFollower += 1 }
        state.followers[state.nextFollower] = continuation
        return state.nextFollower
      }
      guard let number else { return continuation.finish() }
      continuation.onTermination = { [weak self] _ in
        _ = self?.state.withLock { $0.followers.removeValue(forKey: number) }
      }
    }
  }
}
