/// A replica within its pool.
struct PoolMember: Sendable {
  enum Phase: Sendable, Hashable {
    /// The driver makes it.
    case starting
    /// Its command runs and is asked whether it is ready.
    case probing
    case ready
    /// Given up, before it was ready or after; gets no calls and is about to be stopped.
    case unhealthy
    /// Gets no new calls and ends with the last it has.
    case draining(until: Duration)
    case stopping
  }

  let key: ReplicaKey
  var phase = Phase.starting
  var calls = 0
  /// Ready, and without a call since.
  var idleSince: Duration = .zero
  var readySince: Duration?
  /// When it is asked next; nil while it is being asked, and when it is not asked at all.
  var nextProbe: Duration?
  var pause: Duration = .zero
  var runningSince: Duration?
  /// Since when it answers its health path with 4xx.
  var refusingSince: Duration?
  var lastSeen: ProbeAnswer?
  var misses = 0
  var health = HealthRule.strict
  /// Its failure is known; how it ends then says nothing more.
  var isExamined = false

  init(key: ReplicaKey) { self.key = key }

  /// Counts against the revision's number of replicas.
  var isLive: Bool { phase == .starting || phase == .probing || phase == .ready }
}

/// What counts as healthy.
enum HealthRule: Sendable, Hashable {
  case strict
  /// `Relaxations.health`.
  case anyAnswer

  func accepts(_ answer: ProbeAnswer) -> Bool {
    switch self {
    case .strict: answer.isSuccess
    case .anyAnswer: answer.isAnswer
    }
  }
}
