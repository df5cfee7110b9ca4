import Diagnostics
import Sandbox
import Storage
import Synchronization

/// Makes lines of what a replica writes. It is always read at once, so that nobody has to wait; who writes faster than
/// `bytesPerSecond` loses the rest of the second.
final class ReplicaOutput: Sendable {
  static let lineLimit = 16 << 10
  static let bytesPerSecond = ByteCount.mebibytes(4)

  /// A stream's line that has no end yet.
  private struct Line {
    var bytes: [UInt8] = []
    /// Its end is left out.
    var isCut = false
  }

  private struct State {
    var stdout = Line()
    var stderr = Line()
    var second = ContinuousClock.now
    var taken = 0
    var dropped = 0
  }

  private let state = Mutex(State())
  private let replica: ReplicaID
  private let log: ReplicaLog
  private let clock: WallClock

  init(replica: ReplicaID, log: ReplicaLog, clock: WallClock) {
    self.replica = replica
    self.log = log
    self.clock = clock
  }

  func take(_ chunk: OutputChunk) {
    state.withLock { state in
      begin(&state)
      guard state.taken < Int(Self.bytesPerSecond.bytes) else {
        state.dropped += chunk.bytes.count
        return
      }
      state.taken += chunk.bytes.count
      switch chunk.stream {
      case .stdout: split(chunk.bytes, &state.stdout, .stdout)
      case .stderr: split(chunk.bytes, &state.stderr, .stderr)
      }
    }
  }

  /// What has no line end yet is the last line.
  func finish() {
    state.withLock { state in
      flush(&state.stdout, .stdout)
      flush(&state.stderr, .stderr)
      tell(&state)
    }
  }

  /// Begins a new second where the last is over.
  private func begin(_ state: inout State) {
    let now = ContinuousClock.now
    guard now - state.second >= .seconds(1) else { return }
    tell(&state)
    state.second = now
    state.taken = 0
  }

  private func tell(_ state: inout State) {
    guard state.dropped > 0 else { return }
    append(ReplicaWords.dropped(state.dropped), .platform)
    state.dropped = 0
  }

  private func split(_ bytes: [UInt8], _ line: inout Line, _ stream: AppLogLine.Stream) {
    var rest = bytes[...]
    while let end = rest.firstIndex(of: 0x0a) {
      add(rest[..<end], to: &line)
      append(line, stream)
      line = Line()
      rest = rest[(end + 1)...]
    }
    add(rest, to: &line)
  }

  private func add(_ bytes: ArraySlice<UInt8>, to line: inout Line) {
    let room = Self.lineLimit - line.bytes.count
    line.bytes.append(contentsOf: bytes.prefix(room))
    if bytes.count > room { line.isCut = true }
  }

  private func flush(_ line: inout Line, _ stream: AppLogLine.Stream) {
    if !line.bytes.isEmpty { append(line, stream) }
    line = Line()
  }

  private func append(_ line: Line, _ stream: AppLogLine.Stream) {
    var bytes = line.bytes
    if bytes.contains(0x0d) { bytes.removeAll { $0 == 0x0d } }
    append(String(decoding: bytes, as: UTF8.self) + (line.isCut ? "…" : ""), stream)
  }

  private func append(_ text: String, _ stream: AppLogLine.Stream) {
    log.append(AppLogLine(moment: clock.now(), replica: replica, stream: stream, text: text))
  }
}
