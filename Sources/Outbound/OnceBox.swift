import Synchronization

/// A value that several may offer and one waits for; the first offer stands.
final class OnceBox<Value: Sendable>: Sendable {
  private enum State {
    case empty
    case waiting(CheckedContinuation<Value, Never>)
    case full(Value)
    case taken
  }
  private let state = Mutex(State.empty)

  func put(_ value: Value) {
    let waiter = state.withLock { state -> CheckedContinuation<Value, Never>? in
      switch state {
      case .empty: state = .full(value)
      case .waiting(let continuation):
        state = .taken
        return continuation
      case .full, .taken: break
      }
      return nil
    }
    waiter?.resume(returning: value)
  }

  func value() async -> Value {
    await withCheckedContinuation { continuation in
      let ready = state.withLock { state -> Value? in
        if case .full(let value) = state {
          state = .taken
          return value
        }
        state = .waiting(continuation)
        return nil
      }
      if let ready { continuation.resume(returning: ready) }
    }
  }
}
