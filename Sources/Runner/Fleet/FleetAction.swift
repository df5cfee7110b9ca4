import Diagnostics

/// One replica, as the state machines know it; the driver has the real one.
struct ReplicaKey: Sendable, Hashable {
  let pool: Int
  let number: Int
}

/// One call that waits for a replica.
struct WaiterKey: Sendable, Hashable { let number: Int }

/// One call of `activate`.
struct ActivationKey: Sendable, Hashable { let number: Int }

/// What the state machines want done; each is answered by an event, or is an answer itself.
enum FleetAction: Sendable, Hashable {
  /// Answered by `started` or `startFailed`.
  case start(ReplicaKey, AppRevision)
  /// The start is not wanted any more; answered all the same.
  case giveUpStart(ReplicaKey)
  /// Answered by `probed`, or by `ended`.
  case probe(ReplicaKey, port: AppPort, path: String)
  /// What is there to say about a replica that is given up; answered by `examined`.
  case examine(ReplicaKey)
  /// Answered by `ended`.
  case stop(ReplicaKey, grace: Duration)

  case admit(WaiterKey, ReplicaKey)
  case refuse(WaiterKey, Failure)
  case finish(ActivationKey, Failure?)
}

/// What is known of a replica besides its answers, when it is given up.
struct ReplicaEvidence: Sendable, Hashable {
  var lastLines: [String] = []
  /// Where it listens, as far as that can be told.
  var ports: [AppPort] = []
}
