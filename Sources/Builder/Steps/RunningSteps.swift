import Diagnostics
import OCI
import Storage
import Synchronization

/// The steps that run now, in all builds of one data directory, so that of equal ones only one runs.
///
/// A result is kept here until its build has written its cache to the ledger; then later builds find it there.
final class RunningSteps: Sendable {
  /// What makes two steps equal: the cache key, in one organisation.
  struct Name: Hashable, Sendable {
    var organization: OrganizationName
    var key: Digest
  }

  /// What a step made, and the build it ran in.
  struct Made: Sendable, Hashable {
    var layer: LayerRecord
    var build: String
  }

  private struct Waiter {
    var id: Int
    var continuation: CheckedContinuation<Void, Never>
  }
  private struct State {
    var running: Set<Name> = []
    var made: [Name: Made] = [:]
    var waiting: [Name: [Waiter]] = [:]
    var lastWait = 0
  }
  private let state = Mutex(State())

  /// Another step's result, waited for while that one runs, after `onWait` was called once. Nil tells the caller to run
  /// the step itself, and then to call `end`. A step that fails makes nothing: one of those that wait runs next.
  /// Throws `cancelled` when the task is.
  func join(_ name: Name, onWait: () throws(Failure) -> Void) async throws(Failure) -> Made? {
    var hasWaited = false
    while true {
      let (made, leads) = state.withLock { state -> (Made?, Bool) in
        if let made = state.made[name] { return (made, false) }
        return (nil, state.running.insert(name).inserted)
      }
      if let made { return made }
      if leads { return nil }
      if !hasWaited { try onWait() }
      hasWaited = true
      await waitForEnd(of: name)
      if Task.isCancelled { throw Failure(.cancelled, reason: "cancelled", "the build was cancelled") }
    }
  }

  /// The step is over; `made` is nil when it has made nothing that others may take from here.
  func end(_ name: Name, _ made: Made?) {
    let woken = state.withLock { state -> [Waiter] in
      state.running.remove(name)
      if let made { state.made[name] = made }
      return state.waiting.removeValue(forKey: name) ?? []
    }
    for waiter in woken { waiter.continuation.resume() }
  }

  /// The build's results are in the ledger, or lost.
  func forget(_ build: String) {
    state.withLock { state in state.made = state.made.filter { $0.value.build != build } }
  }

  private func waitForEnd(of name: Name) async {
    let id = state.withLock { state in
      state.lastWait += 1
      return state.lastWait
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = state.withLock { state in
          // What ended since, and a cancellation whose handler found nobody waiting, are seen here.
          if Task.isCancelled || !state.running.contains(name) { return true }
          state.waiting[name, default: []].append(Waiter(id: id, continuation: continuation))
          return false
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      let waiter = state.withLock { state -> Waiter? in
        guard let index = state.waiting[name]?.firstIndex(where: { $0.id == id }) else { return nil }
        return state.waiting[name]?.remove(at: index)
      }
      waiter?.continuation.resume()
    }
  }
}
