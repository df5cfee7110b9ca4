import Diagnostics
import Synchronization

/// Whether a build may still be cancelled: until its tags begin to move. Both sides ask here, so that no build is
/// CANCELLED whose tags move afterwards.
package final class Publication: Sendable {
  private enum State { case open, begun, prevented }
  private let state = Mutex(State.open)

  package init() {}

  /// Tags move from now on; throws CANCELLED where the build was cancelled before.
  package func begin() throws(Failure) {
    let isPrevented = state.withLock { state in
      if state == .open { state = .begun }
      return state == .prevented
    }
    if isPrevented { throw Failure(.cancelled, reason: "cancelled", "the build was cancelled") }
  }

  /// No tag moves from now on; false where publishing has begun.
  package func prevent() -> Bool {
    state.withLock { state in
      if state == .open { state = .prevented }
      return state == .prevented
    }
  }
}
