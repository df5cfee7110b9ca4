import Diagnostics
import Storage
import Testing

@testable import Runner

/// An app's state machine with a world around it that is played: what it wants is noted, and tests say what came of it.
struct FleetStage {
  var state: AppState
  private(set) var now: Duration = .zero
  private(set) var starting: [ReplicaKey] = []
  private(set) var running: [ReplicaKey] = []
  private(set) var asked: [ReplicaKey] = []
  private(set) var stopping: [ReplicaKey] = []
  private(set) var waiting: Set<WaiterKey> = []
  private(set) var calls: [ReplicaKey] = []
  private(set) var admitted: [WaiterKey: ReplicaKey] = [:]
  private(set) var refused: [WaiterKey: Failure] = [:]
  private(set) var activations: Set<ActivationKey> = []
  private(set) var finished: [ActivationKey: Failure?] = [:]
  var evidence = ReplicaEvidence(lastLines: ["a last line"])
  private var nextNumber = 0

  init(_ settings: FleetSettings = FleetSettings(), active: AppRevision? = FleetStage.revision(1)) {
    state = AppState(app: Self.app, settings: settings)
    if let active { take(state.learn(active, now: now)) }
  }

  static let app: AppID = {
    do {
      return AppID(organization: try OrganizationName("acme"), name: try AppName("greeter"))
    } catch { preconditionFailure("\(error)") }
  }()

  static func revision(
    _ version: UInt32, replicas: Int = 1, reserved: Int = 0, concurrency: Int = 0, path: String = "/healthz"
  ) -> AppRevision {
    var policy = AppPolicy()
    policy.maximumReplicas = replicas
    policy.reservedReplicas = reserved
    policy.maximumConcurrency = concurrency
    policy.healthPath = path
    return AppRevision(app: app, version: AppVersion(version), configuration: 1, policy: policy)
  }

  // MARK: Callers

  @discardableResult mutating func call(_ revision: AppRevision? = nil) -> WaiterKey {
    let key = WaiterKey(number: number())
    waiting.insert(key)
    take(state.wait(key, for: revision, now: now))
    return key
  }

  mutating func callNow() -> ReplicaKey? {
    let key = state.admitNow(now)
    if let key {
      #expect(member(key)?.phase == .ready)
      calls.append(key)
    }
    return key
  }

  mutating func leave(_ waiter: WaiterKey) {
    guard waiting.contains(waiter) else { return }
    let hasLeft = state.leave(waiter, now: now)
    #expect(hasLeft)
    waiting.remove(waiter)
  }

  mutating func endCall(_ key: ReplicaKey) {
    guard let index = calls.firstIndex(of: key) else { return }
    calls.remove(at: index)
    take(state.callEnded(key, now: now))
  }

  @discardableResult mutating func activate(_ revision: AppRevision) -> ActivationKey {
    let key = ActivationKey(number: number())
    activations.insert(key)
    take(state.activate(revision, key, now: now))
    return key
  }

  // MARK: Replicas

  mutating func run(_ key: ReplicaKey, health: HealthRule = .strict) {
    guard let index = starting.firstIndex(of: key) else { return }
    starting.remove(at: index)
    running.append(key)
    take(state.started(key, health: health, now: now))
  }

  mutating func failStart(_ key: ReplicaKey, _ failure: Failure) {
    guard let index = starting.firstIndex(of: key) else { return }
    starting.remove(at: index)
    take(state.startFailed(key, failure, now: now))
  }

  mutating func answer(_ key: ReplicaKey, _ answer: ProbeAnswer = .status(200)) {
    guard let index = asked.firstIndex(of: key) else { return }
    asked.remove(at: index)
    take(state.probed(key, answer, now: now))
  }

  mutating func end(_ key: ReplicaKey, _ cause: ReplicaEnd.Cause = .exited(status: 3)) {
    guard let index = running.firstIndex(of: key) else { return }
    running.remove(at: index)
    stopping.removeAll { $0 == key }
    asked.removeAll { $0 == key }
    // Its calls have failed at their callers, who end them.
    let ended = calls.filter { $0 == key }
    take(state.ended(key, ReplicaEnd(cause: cause, lastLines: ["configuration file is missing"]), now: now))
    for call in ended { endCall(call) }
  }

  /// Starts, answers and stops whatever is asked for, until nothing is.
  mutating func play() {
    while !(starting.isEmpty && asked.isEmpty && stopping.isEmpty) {
      for key in starting { run(key) }
      for key in asked { answer(key) }
      for key in stopping { end(key, .stopped) }
    }
  }

  mutating func close() { take(state.close(.removed(Self.app), grace: .seconds(1))) }

  // MARK: Time

  mutating func pass(_ time: Duration) {
    let end = now + time
    while let next = state.nextWake, next <= end {
      #expect(next >= now, "woken for the past")
      now = max(now, next)
      take(state.tick(now))
      guard let again = state.nextWake, again <= now else { continue }
      Issue.record("a tick leaves something due: \(again) at \(now)")
      break
    }
    now = end
  }

  // MARK: What is there

  func member(_ key: ReplicaKey) -> PoolMember? { state.pools.flatMap(\.members).first { $0.key == key } }
  var members: [PoolMember] { state.pools.flatMap(\.members) }
  func replicas(of revision: AppRevision) -> [PoolMember] {
    state.pools.filter { $0.revision == revision }.flatMap(\.members)
  }

  private mutating func number() -> Int {
    defer { nextNumber += 1 }
    return nextNumber
  }

  private mutating func take(_ actions: [FleetAction]) {
    // What is examined comes back as an event, after what the event before has wanted.
    var given: [ReplicaKey] = []
    for action in actions {
      switch action {
      case .start(let key, _): starting.append(key)
      case .giveUpStart(let key): #expect(starting.contains(key))
      case .probe(let key, _, _):
        #expect(running.contains(key) && !asked.contains(key))
        asked.append(key)
      case .examine(let key): given.append(key)
      case .stop(let key, _):
        #expect(running.contains(key))
        if !stopping.contains(key) { stopping.append(key) }
      case .admit(let waiter, let key):
        #expect(member(key)?.phase == .ready, "a call for a replica that is \(String(describing: member(key)?.phase))")
        let waited = waiting.remove(waiter)
        #expect(waited != nil, "a waiter is answered once")
        calls.append(key)
        admitted[waiter] = key
      case .refuse(let waiter, let failure):
        let waited = waiting.remove(waiter)
        #expect(waited != nil, "a waiter is answered once")
        refused[waiter] = failure
      case .finish(let activation, let failure):
        let lasted = activations.remove(activation)
        #expect(lasted != nil, "an activation ends once")
        finished[activation] = .some(failure)
      }
    }
    for key in given { take(state.examined(key, evidence, now: now)) }
  }
}
