import Diagnostics
import Synchronization

/// Moments for identifiers, each later than the one before: when the machine's clock is set back, new builds still are
/// newer than old ones, on which lists and their cursors rely. What a build says of its times stays the clock's word.
final class RisingClock: Sendable {
  private let clock: WallClock
  private let last: Mutex<Int64>

  /// `start` is the moment of the newest identifier there is.
  init(_ clock: WallClock, after start: Timestamp?) {
    self.clock = clock
    last = Mutex(start?.milliseconds ?? 0)
  }

  func next() -> Timestamp {
    let now = clock.now().milliseconds
    return last.withLock { last in
      last = max(now, last + 1)
      return Timestamp(milliseconds: last)
    }
  }
}
