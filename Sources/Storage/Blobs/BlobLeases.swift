import Diagnostics
import OCI
import Synchronization

/// Keeps a collection from taking what somebody has just been told is there.
///
/// Whoever finds a blob touches it, and looks whether it is still there: then it stays. Whoever needs several moments holds everything that is
/// touched meanwhile. A collection marks what it means to take, looks whether anything still names it, and takes only what
/// nobody brought again since. All of it is in memory: a push does not outlive the server that was asked.
package final class BlobLeases: Sendable {
  private struct Place: Hashable {
    /// Nil is the content itself, wherever it may be seen.
    var repository: Repository?
    var digest: Digest
  }

  private struct State {
    var touched: [Digest: Timestamp] = [:]
    /// With as many it is time to forget the oldest.
    var mostTouched = BlobLeases.leastForgotten
    var holds: [Int: Timestamp] = [:]
    var lastHold = 0
    var retiring: Set<Place> = []
    var isClosed = false

    func isFree(_ digest: Digest, since moment: Timestamp) -> Bool {
      let limit = holds.values.min().map { min($0, moment) } ?? moment
      return touched[digest].map { $0 < limit } ?? true
    }
  }

  private static let leastForgotten = 100_000
  /// What nobody touched for as long may be forgotten.
  private static let longestGrace: Int64 = 24 * 60 * 60 * 1000

  private let clock: WallClock
  private let state = Mutex(State())

  init(clock: WallClock) { self.clock = clock }

  /// Says that the blob will be needed. False while a collection is taking it away: then it is as good as gone.
  package func touch(_ digest: Digest, in repository: Repository? = nil) -> Bool {
    let now = clock.now()
    return state.withLock { state in
      guard !state.retiring.contains(Place(repository: nil, digest: digest)) else { return false }
      if let repository, state.retiring.contains(Place(repository: repository, digest: digest)) { return false }
      if state.touched.count >= state.mostTouched {
        let limit = now.milliseconds - Self.longestGrace
        state.touched = state.touched.filter { $0.value.milliseconds > limit }
        state.mostTouched = max(Self.leastForgotten, state.touched.count * 2)
      }
      state.touched[digest] = now
      return true
    }
  }

  /// Runs `body`, which puts the content where it belongs, so that no collection that has begun takes it.
  func bring<T>(_ digest: Digest, _ body: () throws(Failure) -> T) throws(Failure) -> T {
    let now = clock.now()
    return try state.withLock { state throws(Failure) in
      state.touched[digest] = now
      state.retiring.remove(Place(repository: nil, digest: digest))
      return try body()
    }
  }

  /// From here on what is touched stays, until the hold is let go, however long that takes.
  package func hold() -> BlobHold {
    let now = clock.now()
    let number = state.withLock { state in
      state.lastHold += 1
      state.holds[state.lastHold] = now
      return state.lastHold
    }
    return BlobHold(leases: self, number: number)
  }

  fileprivate func end(_ hold: Int) { state.withLock { $0.holds[hold] = nil } }

  /// Those that nobody touched since `moment` or under a hold.
  package func free(_ digests: [Digest], untouchedSince moment: Timestamp) -> [Digest] {
    state.withLock { state in digests.filter { state.isFree($0, since: moment) } }
  }

  /// Marks those that nobody touched since `moment` or under a hold, and returns them. `restore` takes the marks away.
  package func retire(
    _ digests: [Digest], in repository: Repository? = nil, untouchedSince moment: Timestamp
  ) -> [Digest] {
    state.withLock { state in
      let free = digests.filter { state.isFree($0, since: moment) }
      for digest in free { state.retiring.insert(Place(repository: repository, digest: digest)) }
      return free
    }
  }

  package func restore(_ digests: [Digest], in repository: Repository? = nil) {
    state.withLock { state in
      for digest in digests { state.retiring.remove(Place(repository: repository, digest: digest)) }
    }
  }

  /// Runs `body`, which takes the content away, unless somebody brought it again since it was marked.
  package func take(_ digest: Digest, _ body: () throws(Failure) -> Void) throws(Failure) -> Bool {
    try state.withLock { state throws(Failure) in
      guard !state.isClosed, state.retiring.contains(Place(repository: nil, digest: digest)) else { return false }
      state.touched[digest] = nil
      try body()
      return true
    }
  }

  /// Runs `body` while nothing comes or goes; false when the store is closed.
  func alone(_ body: () throws(Failure) -> Void) throws(Failure) -> Bool {
    try state.withLock { state throws(Failure) in
      guard !state.isClosed else { return false }
      try body()
      return true
    }
  }

  /// Nothing is taken any more: what has these names now is somebody else's.
  func close() { state.withLock { $0.isClosed = true } }
}

/// Keeps what is touched from being collected for as long as it lives.
package final class BlobHold: Sendable {
  private let leases: BlobLeases
  private let number: Int

  fileprivate init(leases: BlobLeases, number: Int) {
    self.leases = leases
    self.number = number
  }

  deinit { release() }

  /// Lets go; a second call does nothing.
  package func release() { leases.end(number) }
}
