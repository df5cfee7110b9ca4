import Diagnostics
import Storage

/// One app: the pools of its revisions, and which of them calls get. Like a pool it is events in, actions out.
struct AppState: Sendable {
  private struct Activation {
    let pool: Int
    var callers: [ActivationKey]
  }

  let app: AppID
  let settings: FleetSettings
  private(set) var pools: [ReplicaPool] = []
  private var active: Int?
  private var activation: Activation?
  /// What the newest activation was of and why it came to nothing.
  private(set) var unready: (version: AppVersion, failure: Failure)?
  private var closed: Failure?
  private var nextPool = 0

  init(app: AppID, settings: FleetSettings) { (self.app, self.settings) = (app, settings) }

  // MARK: Calls

  mutating func admitNow(_ now: Duration) -> ReplicaKey? {
    guard let active, let index = index(of: active) else { return nil }
    return pools[index].admitNow(now)
  }

  /// A call that waits: for the active revision, which must be known, or for one it names.
  mutating func wait(_ waiter: WaiterKey, for named: AppRevision?, now: Duration) -> [FleetAction] {
    if let closed { return [.refuse(waiter, closed)] }
    guard let revision = named ?? activeRevision else {
      return [.refuse(waiter, Failure(.internal, reason: "app-inactive", "app '\(app)' has no active revision"))]
    }
    guard waiterCount < settings.waiting else {
      return [.refuse(waiter, .tooManyWait(revision, limit: settings.waiting))]
    }
    let pool = named == nil ? active : pool(running: revision)
    let index = pool.flatMap(index(of:)) ?? newPool(revision, role: .other, now: now)
    let actions = pools[index].wait(
      .init(key: waiter, since: now, followsActive: named == nil), now: now)
    return actions + afterwards(now)
  }

  mutating func leave(_ waiter: WaiterKey, now: Duration) -> Bool {
    for index in pools.indices where pools[index].leave(waiter) { return true }
    return false
  }

  mutating func callEnded(_ key: ReplicaKey, now: Duration) -> [FleetAction] {
    on(key, now) { $0.callEnded(key, now: now) }
  }

  // MARK: Replicas

  mutating func started(_ key: ReplicaKey, health: HealthRule, now: Duration) -> [FleetAction] {
    on(key, now) { $0.started(key, health: health, now: now) }
  }
  mutating func startFailed(_ key: ReplicaKey, _ failure: Failure, now: Duration) -> [FleetAction] {
    on(key, now) { $0.startFailed(key, failure, now: now) }
  }
  mutating func probed(_ key: ReplicaKey, _ answer: ProbeAnswer, now: Duration) -> [FleetAction] {
    on(key, now) { $0.probed(key, answer, now: now) }
  }
  mutating func examined(_ key: ReplicaKey, _ evidence: ReplicaEvidence, now: Duration) -> [FleetAction] {
    on(key, now) { $0.examined(key, evidence, now: now) }
  }
  mutating func ended(_ key: ReplicaKey, _ end: ReplicaEnd, now: Duration) -> [FleetAction] {
    on(key, now) { $0.ended(key, end, now: now) }
  }

  // MARK: Time

  mutating func tick(_ now: Duration) -> [FleetAction] {
    var actions: [FleetAction] = []
    for index in pools.indices { actions += pools[index].tick(now) }
    return actions + afterwards(now)
  }

  var nextWake: Duration? { pools.compactMap(\.nextWake).min() }

  // MARK: Revisions

  var activeRevision: AppRevision? { active.flatMap(index(of:)).map { pools[$0].revision } }

  /// What is active according to the ledger, unless an activation has said something newer.
  mutating func learn(_ revision: AppRevision, now: Duration) -> [FleetAction] {
    guard active == nil, closed == nil else { return [] }
    return makeActive(pool(running: revision) ?? pools[newPool(revision, role: .active, now: now)].number, now)
  }

  mutating func activate(_ revision: AppRevision, _ caller: ActivationKey, now: Duration) -> [FleetAction] {
    if let closed { return [.finish(caller, closed)] }
    var actions: [FleetAction] = []
    if let current = activation, let index = index(of: current.pool) {
      if pools[index].revision == revision {
        activation?.callers.append(caller)
        return []
      }
      actions += current.callers.map { .finish($0, .superseded(pools[index].revision, by: revision)) }
      actions += retire(index, because: .superseded(pools[index].revision, by: revision), now)
      activation = nil
    }
    unready = nil
    if let active, let index = index(of: active), pools[index].revision == revision {
      return actions + pools[index].forgive(now) + [.finish(caller, nil)] + afterwards(now)
    }
    let pool = pool(running: revision) ?? pools[newPool(revision, role: .other, now: now)].number
    let ready = active.flatMap(index(of:)).map { pools[$0].readyCount } ?? 0
    guard ready > 0, let index = index(of: pool) else {
      // Nothing to put first: calls that wait for the old revision get the new one.
      return actions + makeActive(pool, now) + [.finish(caller, nil)] + afterwards(now)
    }
    let policy = revision.policy
    pools[index].role = .incoming(
      replicas: min(max(ready, policy.reservedReplicas), max(1, policy.maximumReplicas)))
    activation = Activation(pool: pool, callers: [caller])
    return actions + pools[index].forgive(now) + afterwards(now)
  }

  /// Ends all of it; whoever asks from now on gets `failure`.
  mutating func close(_ failure: Failure, grace: Duration) -> [FleetAction] {
    closed = failure
    var actions = activation.map { $0.callers.map { FleetAction.finish($0, failure) } } ?? []
    (activation, active) = (nil, nil)
    for index in pools.indices {
      let (ends, waiters) = pools[index].close(grace: grace)
      actions += ends + waiters.map { .refuse($0.key, failure) }
    }
    return actions
  }

  // MARK: What is to be seen

  var isEmpty: Bool { pools.allSatisfy { $0.members.isEmpty } }
  var waiterCount: Int { pools.reduce(0) { $0 + $1.waiters.count } }
  var failure: Failure? { unready?.failure ?? active.flatMap(index(of:)).flatMap { pools[$0].failure } }
  var nextStart: Duration? { active.flatMap(index(of:)).flatMap { pools[$0].nextStart } }
}

extension AppState {
  private func index(of pool: Int) -> Int? { pools.firstIndex { $0.number == pool } }

  /// The pool that runs `revision` and is not on its way out.
  private func pool(running revision: AppRevision) -> Int? {
    pools.first { $0.revision == revision && $0.role != .retired }?.number
  }

  private mutating func newPool(_ revision: AppRevision, role: ReplicaPool.Role, now: Duration) -> Int {
    pools.append(ReplicaPool(number: nextPool, revision: revision, role: role, settings: settings, now: now))
    nextPool += 1
    return pools.count - 1
  }

  private mutating func on(
    _ key: ReplicaKey, _ now: Duration, _ event: (inout ReplicaPool) -> [FleetAction]
  ) -> [FleetAction] {
    guard let index = index(of: key.pool) else { return [] }
    let actions = event(&pools[index])
    return actions + afterwards(now)
  }

  /// What an event in a pool means for the app: an activation that has come to its end, pools that are spent.
  private mutating func afterwards(_ now: Duration) -> [FleetAction] {
    guard activation != nil || pools.count > 1 else { return [] }
    var actions: [FleetAction] = []
    if let current = activation, let index = index(of: current.pool), case .incoming(let count) = pools[index].role {
      if let failure = pools[index].failure {
        activation = nil
        unready = (pools[index].revision.version, failure)
        actions = current.callers.map { .finish($0, failure) } + retire(index, because: failure, now)
      } else if pools[index].readyCount >= count {
        activation = nil
        actions = makeActive(current.pool, now) + current.callers.map { .finish($0, nil) }
      }
    }
    pools.removeAll { $0.isSpent(now) && $0.number != active }
    return actions
  }

  /// The switch: from here on no call gets the revision before.
  private mutating func makeActive(_ pool: Int, _ now: Duration) -> [FleetAction] {
    var actions: [FleetAction] = []
    var waiters: [ReplicaPool.Waiter] = []
    if let active, active != pool, let old = index(of: active) {
      let (ends, left) = pools[old].retire(now)
      waiters = left
      actions = ends
    }
    active = pool
    guard let index = index(of: pool) else { return actions }
    // Who asked for the old revision by its name does not want another.
    for waiter in waiters where !waiter.followsActive {
      actions.append(.refuse(waiter.key, .replacedMeanwhile(app, by: pools[index].revision.version)))
    }
    waiters.removeAll { !$0.followsActive }
    pools[index].role = .active
    pools[index].adopt(waiters, now: now)
    return actions + pools[index].settled(now)
  }

  private mutating func retire(_ index: Int, because failure: Failure, _ now: Duration) -> [FleetAction] {
    let (actions, waiters) = pools[index].retire(now)
    return actions + waiters.map { .refuse($0.key, failure) }
  }
}
