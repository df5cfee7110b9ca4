import Diagnostics

/// The replicas of one revision and the calls that wait for them: events in, actions out. It does nothing itself and has
/// no clock; every event brings the time (as async-http-client's pools do it).
///
/// An event changes a member or a waiter and ends with `settled`, which serves who waits and starts what is wanted.
struct ReplicaPool: Sendable {
  enum Role: Sendable, Hashable {
    /// What calls get.
    case active
    /// Being made ready to become the active one, with as many replicas.
    case incoming(replicas: Int)
    /// Called by its name only, for tests.
    case other
    /// Finishes the calls it has.
    case retired
  }

  struct Waiter: Sendable, Hashable {
    let key: WaiterKey
    let since: Duration
    /// Whether it wants whatever is active rather than this revision.
    let followsActive: Bool
  }

  let number: Int
  let revision: AppRevision
  let settings: FleetSettings
  var role: Role
  private(set) var members: [PoolMember] = []
  private(set) var waiters: [Waiter] = []
  /// Why the last start or replica failed; nil once one is ready again.
  private(set) var failure: Failure?
  /// No start before it.
  private(set) var nextStart: Duration?
  private var failuresInRow = 0
  private var lastDemand: Duration
  private var nextNumber = 0
  private var grace: Duration

  init(number: Int, revision: AppRevision, role: Role, settings: FleetSettings, now: Duration) {
    (self.number, self.revision, self.role, self.settings) = (number, revision, role, settings)
    lastDemand = now
    grace = settings.stopGrace
  }

  // MARK: Calls

  /// A replica for one more call: the one with the fewest, the oldest of those, so that the others may end. Nil when all
  /// are full or none is ready.
  mutating func admitNow(_ now: Duration) -> ReplicaKey? {
    let limit = revision.policy.maximumConcurrency > 0 ? revision.policy.maximumConcurrency : Int.max
    var chosen: Int?
    var fewest = limit
    for index in members.indices where members[index].phase == .ready && members[index].calls < fewest {
      chosen = index
      fewest = members[index].calls
    }
    guard let chosen else { return nil }
    members[chosen].calls += 1
    return members[chosen].key
  }

  mutating func wait(_ waiter: Waiter, now: Duration) -> [FleetAction] {
    lastDemand = now
    waiters.append(waiter)
    let actions = settled(now)
    guard let failure, let wait = backoffLeft(now), wait > settings.backoffPatience, liveCount == 0 else {
      return actions
    }
    waiters.removeAll { $0.key == waiter.key }
    return actions + [.refuse(waiter.key, failure.untilNextStart(in: wait))]
  }

  /// Takes over who waited for the revision before, in their order.
  mutating func adopt(_ others: [Waiter], now: Duration) {
    guard !others.isEmpty else { return }
    lastDemand = now
    waiters = (waiters + others).sorted { ($0.since, $0.key.number) < ($1.since, $1.key.number) }
  }

  /// The caller has gone. False when it does not wait here.
  mutating func leave(_ waiter: WaiterKey) -> Bool {
    guard let index = waiters.firstIndex(where: { $0.key == waiter }) else { return false }
    waiters.remove(at: index)
    return true
  }

  mutating func callEnded(_ key: ReplicaKey, now: Duration) -> [FleetAction] {
    guard let index = index(of: key), members[index].calls > 0 else { return [] }
    members[index].calls -= 1
    lastDemand = now
    if members[index].calls == 0 {
      members[index].idleSince = now
      if case .draining = members[index].phase { return [stop(index)] }
    }
    return waiters.isEmpty ? [] : settled(now)
  }

  // MARK: Replicas

  mutating func started(_ key: ReplicaKey, health: HealthRule, now: Duration) -> [FleetAction] {
    guard let index = index(of: key) else { return [] }
    members[index].health = health
    members[index].runningSince = now
    // It was given up while it was being made.
    guard members[index].phase == .starting else { return [stop(index)] }
    members[index].phase = .probing
    members[index].pause = settings.firstPause
    return [probe(index)]
  }

  mutating func startFailed(_ key: ReplicaKey, _ failure: Failure, now: Duration) -> [FleetAction] {
    guard let index = index(of: key) else { return [] }
    let wasWanted = members.remove(at: index).phase == .starting
    return (wasWanted ? failed(failure, readySince: nil, now: now) : []) + settled(now)
  }

  mutating func probed(_ key: ReplicaKey, _ answer: ProbeAnswer, now: Duration) -> [FleetAction] {
    guard let index = index(of: key) else { return [] }
    switch members[index].phase {
    case .probing:
      guard !members[index].health.accepts(answer) else {
        becomeReady(index, now)
        return settled(now)
      }
      return notYet(index, answer, now)
    case .ready: return liveness(index, answer, now)
    case .starting, .unhealthy, .draining, .stopping: return []
    }
  }

  mutating func examined(_ key: ReplicaKey, _ evidence: ReplicaEvidence, now: Duration) -> [FleetAction] {
    guard let index = index(of: key), members[index].phase == .unhealthy else { return [] }
    let member = members[index]
    let failure: Failure =
      if member.readySince != nil, let seen = member.lastSeen {
        .notAlive(revision, seen: seen, misses: member.misses, evidence: evidence)
      } else {
        .notReady(
          revision, seen: member.lastSeen, after: now - (member.refusingSince ?? member.runningSince ?? now),
          evidence: evidence)
      }
    members[index].isExamined = true
    // Nobody calls one that was never ready, so there is nothing to finish.
    let grace = member.calls > 0 ? grace : min(grace, .seconds(2))
    members[index].phase = .stopping
    return [.stop(key, grace: grace)] + failed(failure, readySince: member.readySince, now: now) + settled(now)
  }

  mutating func ended(_ key: ReplicaKey, _ end: ReplicaEnd, now: Duration) -> [FleetAction] {
    guard let index = index(of: key) else { return [] }
    let member = members.remove(at: index)
    let failure = Failure.ended(end, of: revision, wasReady: member.readySince != nil)
    switch member.phase {
    case .starting, .probing, .ready: return failed(failure, readySince: member.readySince, now: now) + settled(now)
    case .unhealthy where !member.isExamined:
      return failed(failure, readySince: member.readySince, now: now) + settled(now)
    case .unhealthy, .draining, .stopping: return settled(now)
    }
  }

  // MARK: Time

  /// Does what has become due.
  mutating func tick(_ now: Duration) -> [FleetAction] {
    var actions: [FleetAction] = []
    for index in members.indices {
      if case .draining(let until) = members[index].phase, until <= now { actions.append(stop(index)) }
      guard members[index].phase == .probing || members[index].phase == .ready else { continue }
      if members[index].phase == .probing, startDeadline(index) <= now {
        actions.append(giveUp(index))
      } else if let due = members[index].nextProbe, due <= now {
        actions.append(probe(index))
      }
    }
    actions += endIdle(now)
    actions += settled(now)
    while let first = waiters.first, first.since + settings.waitLimit <= now {
      waiters.removeFirst()
      actions.append(.refuse(first.key, waitedTooLong()))
    }
    return actions
  }

  /// When `tick` has something to do, if nothing else happens before.
  var nextWake: Duration? {
    var next: Duration?
    func earlier(_ time: Duration?) { if let time { next = min(next ?? time, time) } }
    for index in members.indices {
      switch members[index].phase {
      case .probing:
        earlier(members[index].nextProbe)
        earlier(startDeadline(index))
      case .ready: earlier(members[index].nextProbe)
      case .draining(let until): earlier(until)
      case .starting, .unhealthy, .stopping: break
      }
    }
    earlier(waiters.first.map { $0.since + settings.waitLimit })
    if waiters.isEmpty, readyCount > reserve {
      for member in members where member.phase == .ready && member.calls == 0 {
        earlier(member.idleSince + idleLimit(ready: readyCount))
      }
    }
    if let nextStart { if wanted(at: nextStart) > liveCount { earlier(nextStart) } }
    return next
  }

  // MARK: Ends

  /// No new calls; what runs ends when its calls do. Returns who has waited here.
  mutating func retire(_ now: Duration) -> (actions: [FleetAction], waiters: [Waiter]) {
    role = .retired
    let left = waiters
    waiters = []
    var actions: [FleetAction] = []
    for index in members.indices {
      switch members[index].phase {
      case .starting:
        members[index].phase = .stopping
        actions.append(.giveUpStart(members[index].key))
      case .ready where members[index].calls > 0:
        members[index].phase = .draining(until: now + revision.policy.callTimeout)
        members[index].nextProbe = nil
      case .probing, .ready: actions.append(stop(index))
      case .unhealthy, .draining, .stopping: break
      }
    }
    return (actions, left)
  }

  /// Ends all of it at once. Returns who has waited here.
  mutating func close(grace: Duration) -> (actions: [FleetAction], waiters: [Waiter]) {
    role = .retired
    self.grace = grace
    let left = waiters
    waiters = []
    let actions = members.indices.map { index -> FleetAction in
      let isMade = members[index].runningSince != nil
      members[index].phase = .stopping
      members[index].nextProbe = nil
      // Also those that are being stopped, which may have more time than there is now.
      return isMade ? .stop(members[index].key, grace: grace) : .giveUpStart(members[index].key)
    }
    return (actions, left)
  }

  /// Forgets past failures: somebody has just asked for this revision to run.
  mutating func forgive(_ now: Duration) -> [FleetAction] {
    (failure, nextStart, failuresInRow) = (nil, nil, 0)
    return settled(now)
  }

  var readyCount: Int { members.count { $0.phase == .ready } }
  var liveCount: Int { members.count { $0.isLive } }

  /// Whether it can be forgotten.
  func isSpent(_ now: Duration) -> Bool {
    (role == .retired || role == .other) && members.isEmpty && waiters.isEmpty && backoffLeft(now) == nil
  }
}

// MARK: -

extension ReplicaPool {
  private func index(of key: ReplicaKey) -> Int? { members.firstIndex { $0.key == key } }

  /// Serves who waits and starts what is wanted.
  mutating func settled(_ now: Duration) -> [FleetAction] {
    guard role != .retired else { return [] }
    var actions: [FleetAction] = []
    while let first = waiters.first, let replica = admitNow(now) {
      waiters.removeFirst()
      actions.append(.admit(first.key, replica))
    }
    guard backoffLeft(now) == nil else { return actions }
    for _ in 0..<max(0, wanted(at: now) - liveCount) {
      let key = ReplicaKey(pool: number, number: nextNumber)
      nextNumber += 1
      members.append(PoolMember(key: key))
      actions.append(.start(key, revision))
    }
    return actions
  }

  /// How many replicas there should be, ready or on their way.
  private func wanted(at time: Duration) -> Int {
    let policy = revision.policy
    guard role != .retired else { return 0 }
    let each = policy.maximumConcurrency > 0 ? policy.maximumConcurrency : max(1, settings.callsPerReplica)
    let calls = waiters.count + members.reduce(0) { $0 + ($1.phase == .ready ? $1.calls : 0) }
    // One that failed is tried again for as long as it would have been kept.
    let again = failure != nil && time < lastDemand + lastIdle ? 1 : 0
    return min(max((calls + each - 1) / each, reserve, again), max(1, policy.maximumReplicas))
  }

  /// As many are kept when nobody calls.
  private var reserve: Int {
    switch role {
    case .active: min(revision.policy.reservedReplicas, max(1, revision.policy.maximumReplicas))
    case .incoming(let replicas): replicas
    case .other, .retired: 0
    }
  }

  private func backoffLeft(_ now: Duration) -> Duration? {
    guard let nextStart, nextStart > now else { return nil }
    return nextStart - now
  }

  private mutating func becomeReady(_ index: Int, _ now: Duration) {
    members[index].phase = .ready
    members[index].readySince = now
    members[index].idleSince = now
    members[index].nextProbe = members[index].health == .strict ? now + settings.livenessDelay : nil
    (failure, nextStart) = (nil, nil)
  }

  private mutating func notYet(_ index: Int, _ answer: ProbeAnswer, _ now: Duration) -> [FleetAction] {
    members[index].lastSeen = answer
    members[index].refusingSince = answer.isRefusal ? members[index].refusingSince ?? now : nil
    if let since = members[index].refusingSince, now - since >= settings.refusalLimit { return [giveUp(index)] }
    if startDeadline(index) <= now { return [giveUp(index)] }
    members[index].nextProbe = now + members[index].pause
    members[index].pause = min(members[index].pause * 2, settings.longestPause)
    return []
  }

  private mutating func liveness(_ index: Int, _ answer: ProbeAnswer, _ now: Duration) -> [FleetAction] {
    members[index].lastSeen = answer
    members[index].misses = members[index].health.accepts(answer) ? 0 : members[index].misses + 1
    if members[index].misses >= settings.livenessMisses { return [giveUp(index)] }
    members[index].nextProbe = now + settings.livenessPeriod
    return []
  }

  private func startDeadline(_ index: Int) -> Duration { (members[index].runningSince ?? .zero) + settings.startLimit }

  private mutating func probe(_ index: Int) -> FleetAction {
    members[index].nextProbe = nil
    return .probe(
      members[index].key, port: revision.policy.ports.first ?? .standard, path: revision.policy.healthPath)
  }

  private mutating func giveUp(_ index: Int) -> FleetAction {
    members[index].phase = .unhealthy
    members[index].nextProbe = nil
    return .examine(members[index].key)
  }

  private mutating func stop(_ index: Int) -> FleetAction {
    members[index].phase = .stopping
    members[index].nextProbe = nil
    return .stop(members[index].key, grace: grace)
  }

  /// A start or a replica failed: the next start waits. Who waited for the start learns why; a call that waits behind
  /// others on a replica that crashed gets the next one, if that is soon.
  private mutating func failed(_ failure: Failure, readySince: Duration?, now: Duration) -> [FleetAction] {
    self.failure = failure
    if let readySince, now - readySince >= settings.backoffReset { failuresInRow = 0 }
    // Several that fail together have failed once.
    if backoffLeft(now) == nil {
      let doubled = settings.firstBackoff * (1 << min(failuresInRow, 20))
      nextStart = now + min(doubled, settings.longestBackoff)
      failuresInRow += 1
    }
    guard role != .retired, liveCount == 0, let wait = backoffLeft(now) else { return [] }
    guard readySince == nil || wait > settings.backoffPatience else { return [] }
    defer { waiters = [] }
    return waiters.map { .refuse($0.key, failure.untilNextStart(in: wait)) }
  }

  private mutating func endIdle(_ now: Duration) -> [FleetAction] {
    guard waiters.isEmpty else { return [] }
    var actions: [FleetAction] = []
    var ready = readyCount
    // The youngest first: calls prefer the oldest.
    for index in members.indices.reversed() where members[index].phase == .ready && members[index].calls == 0 {
      guard ready > reserve, now - members[index].idleSince >= idleLimit(ready: ready) else { continue }
      actions.append(stop(index))
      ready -= 1
    }
    return actions
  }

  private var lastIdle: Duration { role == .other ? settings.testIdle : settings.lastIdle }
  private func idleLimit(ready: Int) -> Duration {
    ready > max(reserve, 1) ? min(settings.surplusIdle, lastIdle) : lastIdle
  }

  private func waitedTooLong() -> Failure {
    if readyCount > 0 { return .allBusy(revision, replicas: readyCount, after: settings.waitLimit) }
    if let failure { return failure }
    return .stillStarting(revision, after: settings.waitLimit)
  }
}
