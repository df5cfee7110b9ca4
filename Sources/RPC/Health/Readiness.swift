import Synchronization

/// Whether the server as a whole takes work: it listens, is not draining, and the given condition holds.
final class Readiness: Sendable {
  private enum Phase { case starting, listening, draining }
  private let phase = Mutex(Phase.starting)
  private let condition: @Sendable () -> Bool

  init(condition: @escaping @Sendable () -> Bool = { true }) { self.condition = condition }

  var isServing: Bool { phase.withLock { $0 == .listening } && condition() }
  var isDraining: Bool { phase.withLock { $0 == .draining } }

  /// All addresses listen.
  func start() {
    phase.withLock { if $0 == .starting { $0 = .listening } }
  }

  /// Draining has begun; there is no way back.
  func stop() { phase.withLock { $0 = .draining } }
}
