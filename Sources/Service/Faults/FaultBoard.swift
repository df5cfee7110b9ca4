import Diagnostics
import Storage
import Synchronization

/// The faults that are on, none unless somebody asked; they end with the server.
package final class FaultBoard: Sendable {
  private struct State {
    var faults: [Fault] = []
    /// Builds that stay PENDING.
    var held: [BuildRecord] = []
  }
  private let state = Mutex(State())

  package init() {}

  package var faults: [Fault] { state.withLock { $0.faults } }

  /// Puts a fault in the place of one for the same place and organisation.
  package func set(_ fault: Fault) {
    state.withLock { state in
      state.faults.removeAll { $0.place == fault.place && $0.organization == fault.organization }
      state.faults.append(fault)
    }
  }

  /// Takes away the faults of one place, or all.
  package func clear(_ place: Fault.Place? = nil) {
    state.withLock { state in state.faults.removeAll { place == nil || $0.place == place } }
  }

  /// The fault that is met now, counted; nil when there is none. One for the organisation goes before one for all.
  func take(_ place: Fault.Place, of organization: String) -> Fault? {
    state.withLock { state in
      let found = state.faults.indices.filter { index in
        let fault = state.faults[index]
        return fault.place == place && (fault.organization ?? organization) == organization
      }
      guard let index = found.first(where: { state.faults[$0].organization != nil }) ?? found.first else { return nil }
      let fault = state.faults[index]
      guard fault.probability >= 1 || Double.random(in: 0..<1) < fault.probability else { return nil }
      if let count = fault.count {
        if count > 1 { state.faults[index].count = count - 1 } else { state.faults.remove(at: index) }
      }
      return fault
    }
  }

  /// Waits and throws as the fault of this place says; does nothing where there is none. `tell` hears of a delay.
  package func meet(
    _ place: Fault.Place, of organization: String, tell: (String) throws(Failure) -> Void = { _ in }
  ) async throws(Failure) {
    guard let fault = take(place, of: organization) else { return }
    if fault.delayMilliseconds > 0 {
      try tell(fault.note)
      do { try await Task.sleep(for: .milliseconds(fault.delayMilliseconds)) } catch {
        throw Failure(.cancelled, reason: "cancelled", "the wait for an injected fault was cancelled")
      }
    }
    if let failure = fault.failure { throw failure }
  }

  // MARK: - Builds that stay PENDING

  /// Keeps the build from the queue when a fault says so; the note for its log then.
  func hold(_ record: BuildRecord) -> String? {
    guard let fault = take(.pending, of: record.organization.name) else { return nil }
    state.withLock { $0.held.append(record) }
    return fault.note
  }

  /// The builds that nothing holds any more, in the order they came. A count that is used up holds on: the build is
  /// stuck until somebody clears the place.
  func release() -> [BuildRecord] {
    state.withLock { state in
      defer { state.held = [] }
      return state.held
    }
  }
}
