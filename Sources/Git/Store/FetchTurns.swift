import Diagnostics
import Synchronization

/// One fetch at a time from each remote: who comes second waits, and then finds what the first one brought.
final class FetchTurns: Sendable {
  private struct Waiting {
    var number: Int
    var continuation: CheckedContinuation<Bool, Never>
  }
  private struct State {
    var numbers = 0
    var waiting: [StoreKey: [Waiting]] = [:]
    /// Waiters whose task was cancelled before they began to wait.
    var cancelled: Set<Int> = []
  }
  /// A remote is a key of `waiting` as long as somebody fetches from it.
  private let state = Mutex(State())

  /// Waits for the turn; `give` must follow. Throws `cancelled` when the task is while it waits.
  func take(_ key: StoreKey) async throws(Failure) {
    let number = state.withLock { state in
      state.numbers += 1
      return state.numbers
    }
    let isMine = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let answer: Bool? = state.withLock { state in
          if state.cancelled.contains(number) { return false }
          guard state.waiting[key] == nil else {
            state.waiting[key]?.append(Waiting(number: number, continuation: continuation))
            return nil
          }
          state.waiting[key] = []
          return true
        }
        if let answer { continuation.resume(returning: answer) }
      }
    } onCancel: {
      let gone: Waiting? = state.withLock { state in
        if let index = state.waiting[key]?.firstIndex(where: { $0.number == number }) {
          return state.waiting[key]?.remove(at: index)
        }
        state.cancelled.insert(number)
        return nil
      }
      gone?.continuation.resume(returning: false)
    }
    state.withLock { _ = $0.cancelled.remove(number) }
    if isMine { return }
    try checkGitCancellation()
  }

  func give(_ key: StoreKey) {
    let next: Waiting? = state.withLock { state in
      guard state.waiting[key]?.isEmpty == false else {
        state.waiting[key] = nil
        return nil
      }
      return state.waiting[key]?.removeFirst()
    }
    next?.continuation.resume(returning: true)
  }
}
