import Synchronization

/// Blocking work, one piece after the other, on a thread that is there while there is some.
final class WorkLine: Sendable {
  private struct State {
    var waiting: [@Sendable () -> Void] = []
    var hasThread = false
  }

  private let state = Mutex(State())

  func add(_ work: @escaping @Sendable () -> Void) {
    let needsThread = state.withLock { state in
      state.waiting.append(work)
      defer { state.hasThread = true }
      return !state.hasThread
    }
    guard needsThread else { return }
    // Without a thread the pieces are dropped, which fails the calls they are for.
    if OwnThread({ self.work() }).start() != nil { _ = next(orEnd: true) }
  }

  private func work() {
    while let work = next() { work() }
  }

  private func next(orEnd drops: Bool = false) -> (@Sendable () -> Void)? {
    state.withLock { state in
      if drops { state.waiting = [] }
      guard !state.waiting.isEmpty else {
        state.hasThread = false
        return nil
      }
      return state.waiting.removeFirst()
    }
  }
}
