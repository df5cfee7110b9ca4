import Diagnostics
import Storage
import Synchronization

/// What contexts take, those that are still being received included: what the limits are held against.
final class ContextSpace: Sendable {
  private struct State {
    var received: [OrganizationName: Int64] = [:]
    var open: [OrganizationName: Int] = [:]
    /// How many uploads ended: what the ledger said before may be too little then.
    var ended = 0
  }

  let limits: ContextLimits
  private let ledger: Ledger
  private let clock: WallClock
  private let state = Mutex(State())

  init(limits: ContextLimits, ledger: Ledger, clock: WallClock) {
    self.limits = limits
    self.ledger = ledger
    self.clock = clock
  }

  /// A place for one upload, which is free again when the claim ends.
  func claim(for organization: OrganizationName, expecting size: ByteCount?) throws(Failure) -> Claim {
    try state.withLock { state throws(Failure) in
      let own = state.open[organization, default: 0]
      guard own < limits.open, state.open.values.reduce(0, +) < limits.openTotal else {
        throw Failure(
          .resourceExhausted, reason: "uploads-too-many",
          own < limits.open
            ? "\(limits.openTotal) uploads are under way, as many as this server takes"
            : "organisation '\(organization)' has \(own) uploads under way, as many as it may",
          hint: "wait until one of them ends")
      }
      state.open[organization] = own + 1
    }
    let claim = Claim(space: self, organization: organization)
    // What will not fit is not worth sending.
    do throws(Failure) { try claim.check(size?.bytes ?? 0) } catch {
      claim.end()
      throw error
    }
    return claim
  }

  /// One upload's part.
  final class Claim: Sendable {
    private struct Held {
      var bytes: Int64 = 0
      var isOver = false
      /// What the ledger said when so many uploads had ended.
      var stored: (ended: Int, own: Int64, total: Int64)?
    }

    private let space: ContextSpace
    private let organization: OrganizationName
    private let held = Mutex(Held())

    fileprivate init(space: ContextSpace, organization: OrganizationName) {
      self.space = space
      self.organization = organization
    }

    deinit { end() }

    /// Counts bytes before they are written; throws `context-quota` when they are too many.
    func take(_ count: Int) throws(Failure) {
      try check(Int64(count))
      held.withLock { $0.bytes += Int64(count) }
      space.state.withLock { $0.received[organization, default: 0] += Int64(count) }
    }

    /// Gives everything back; what was kept is in the ledger by now.
    func end() {
      let bytes: Int64? = held.withLock { held in
        defer { held.isOver = true }
        return held.isOver ? nil : held.bytes
      }
      guard let bytes else { return }
      space.state.withLock { state in
        state.ended += 1
        state.received[organization, default: 0] -= bytes
        state.open[organization, default: 1] -= 1
        if state.open[organization] == 0 {
          state.open[organization] = nil
          state.received[organization] = nil
        }
      }
    }

    fileprivate func check(_ more: Int64) throws(Failure) {
      let (ended, own, all) = space.state.withLock { state in
        (state.ended, state.received[organization, default: 0], state.received.values.reduce(0, +))
      }
      let stored = try stored(ended)
      let limits = space.limits
      let (ownSum, ownOverflow) = (stored.own + own).addingReportingOverflow(more)
      guard !ownOverflow, ownSum <= limits.organization.bytes else {
        throw Self.refusal("organisation '\(organization)'", limits.organization, "--context-quota")
      }
      guard stored.total + all + more <= limits.total.bytes else {
        throw Self.refusal("this server", limits.total, "--contexts")
      }
    }

    private func stored(_ ended: Int) throws(Failure) -> (own: Int64, total: Int64) {
      if let stored = held.withLock({ $0.stored }), stored.ended == ended { return (stored.own, stored.total) }
      let moment = space.clock.now()
      let own = try space.ledger.contextBytes(of: organization, at: moment).bytes
      let total = try space.ledger.contextBytes(of: nil, at: moment).bytes
      held.withLock { $0.stored = (ended, own, total) }
      return (own, total)
    }

    private static func refusal(_ whose: String, _ limit: ByteCount, _ option: String) -> Failure {
      Failure(
        .resourceExhausted, reason: "context-quota", "the contexts of \(whose) would take more than \(limit)",
        hint: "leave out of the context what no build needs, wait until older ones expire, or start the server with a "
          + "larger \(option) or a shorter --context-lifetime")
    }
  }
}
