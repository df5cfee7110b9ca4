import Diagnostics
import Storage
import Synchronization

/// One app's replicas: hands events to its state machine and does what that wants done.
///
/// What is behind the lock changes together: the machine, the timer for its next wake, and who has to be told. Effects
/// are run outside of it, since they come back as events.
final class AppDriver: Sendable {
  /// What every app's driver works with.
  struct Tools: Sendable {
    let starter: any ReplicaStarter
    let source: any RevisionSource
    let probe: any ReplicaProbe
    let clock: any FleetClock
    let settings: FleetSettings
  }

  typealias Waiting = CheckedContinuation<Result<Admission, Failure>, Never>
  typealias Activating = CheckedContinuation<Failure?, Never>

  private struct Running {
    let replica: any Replica
    let since: Timestamp
  }

  private struct Inside {
    var state: AppState
    var running: [ReplicaKey: Running] = [:]
    var starts: [ReplicaKey: Task<Void, Never>] = [:]
    var waiting: [WaiterKey: Waiting] = [:]
    var activating: [ActivationKey: Activating] = [:]
    var closers: [CheckedContinuation<Void, Never>] = []
    /// The time for closing is over; who comes to wait then need not.
    var hasWaitedEnough = false
    var ended: [ReplicaLog] = []
    var relays: [Int: LogRelay] = [:]
    var timer: (time: Duration, cancel: @Sendable () -> Void)?
    var isClosed = false
    var nextNumber = 0

    mutating func number() -> Int {
      defer { nextNumber += 1 }
      return nextNumber
    }
  }

  let app: AppID
  private let tools: Tools
  private let inside: Mutex<Inside>

  init(app: AppID, tools: Tools) {
    self.app = app
    self.tools = tools
    inside = Mutex(Inside(state: AppState(app: app, settings: tools.settings)))
  }

  // MARK: Calls

  func admitNow() -> Admission? {
    let found = inside.withLock { inside -> (ReplicaKey, any Replica)? in
      guard let key = inside.state.admitNow(tools.clock.uptime()), let running = inside.running[key] else { return nil }
      return (key, running.replica)
    }
    return found.map { admission(of: $0, to: $1) }
  }

  /// Waits for a replica of `revision`, or of what is active, which must have been learned.
  func admit(_ revision: AppRevision?) async throws(Failure) -> Admission {
    let key = WaiterKey(number: inside.withLock { $0.number() })
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { (waiting: Waiting) in
        // Asked for within the lock, so that a cancellation comes either before or finds the waiter.
        change { inside, now in
          guard !Task.isCancelled else { return [.leave(waiting, .noLongerWaiting(self.app))] }
          inside.waiting[key] = waiting
          return self.effects(inside.state.wait(key, for: revision, now: now), &inside)
        }
      }
    } onCancel: {
      self.change { inside, now in
        guard inside.state.leave(key, now: now), let waiting = inside.waiting.removeValue(forKey: key) else {
          return []
        }
        return [.leave(waiting, .noLongerWaiting(self.app))]
      }
    }
    return try result.get()
  }

  private func admission(of key: ReplicaKey, to replica: any Replica) -> Admission {
    Admission(replica: replica) { [self] in event { $0.callEnded(key, now: $1) } }
  }

  // MARK: Revisions

  var isActive: Bool { inside.withLock { $0.state.activeRevision != nil } }
  func learn(_ revision: AppRevision) { event { $0.learn(revision, now: $1) } }

  func activate(_ revision: AppRevision) async throws(Failure) {
    let failure = await withCheckedContinuation { (activating: Activating) in
      change { inside, now in
        let key = ActivationKey(number: inside.number())
        inside.activating[key] = activating
        return self.effects(inside.state.activate(revision, key, now: now), &inside)
      }
    }
    if let failure { throw failure }
  }

  /// Ends everything, and returns when all is dead, or when a replica has had all of its time and does not die.
  func close(_ failure: Failure, grace: Duration) async {
    change { inside, _ in
      inside.isClosed = true
      let relays = inside.relays.values
      inside.relays = [:]
      return self.effects(inside.state.close(failure, grace: grace), &inside) + relays.map { .endRelay($0) }
    }
    let cancel = tools.clock.wake(at: tools.clock.uptime() + grace + .seconds(2)) { [weak self] in
      self?.change { inside, _ in
        inside.hasWaitedEnough = true
        return self?.closersLeave(&inside) ?? []
      }
    }
    await withCheckedContinuation { (closer: CheckedContinuation<Void, Never>) in
      change { inside, _ in
        inside.closers.append(closer)
        return inside.state.isEmpty || inside.hasWaitedEnough ? self.closersLeave(&inside) : []
      }
    }
    cancel()
  }

  private func closersLeave(_ inside: inout Inside) -> [Effect] {
    defer { inside.closers = [] }
    return inside.closers.map { .close($0) }
  }

  // MARK: What is to be seen

  func status() -> FleetStatus {
    let now = tools.clock.uptime()
    let moment = tools.clock.moment()
    return inside.withLock { inside in
      var status = FleetStatus()
      status.failure = inside.state.failure
      status.active = inside.state.activeRevision?.version
      status.unready = inside.state.unready?.version
      if let next = inside.state.nextStart, next > now { status.nextStart = moment.adding(next - now) }
      for pool in inside.state.pools {
        for member in pool.members {
          guard let running = inside.running[member.key] else { continue }
          status.replicas.append(
            .init(
              id: running.replica.id, version: pool.revision.version, state: .init(member.phase), calls: member.calls,
              startedAt: running.since))
        }
      }
      return status
    }
  }

  func logs() -> [ReplicaLog] {
    inside.withLock { inside in
      inside.ended + inside.running.values.sorted { $0.replica.id < $1.replica.id }.map(\.replica.log)
    }
  }

  func followLogs() -> AsyncStream<AppLogLine> {
    AsyncStream(bufferingPolicy: .bufferingNewest(4096)) { continuation in
      let relay = LogRelay(continuation)
      let number = inside.withLock { inside -> Int? in
        guard !inside.isClosed else { return nil }
        let number = inside.number()
        inside.relays[number] = relay
        for running in inside.running.values { relay.attach(running.replica.log, replaying: false) }
        return number
      }
      guard let number else { return relay.end() }
      continuation.onTermination = { [weak self] _ in
        self?.inside.withLock { $0.relays.removeValue(forKey: number) }?.end()
      }
    }
  }
}

// MARK: -

extension AppDriver {
  /// Something to be done outside of the lock.
  private enum Effect {
    case admit(Waiting, ReplicaKey, any Replica)
    case leave(Waiting, Failure)
    case finish(Activating, Failure?)
    case close(CheckedContinuation<Void, Never>)
    case endRelay(LogRelay)
    case probe(ReplicaKey, any Replica, port: AppPort, path: String)
    case examine(ReplicaKey, any Replica)
    case stop(any Replica, grace: Duration)
    case cancel(Task<Void, Never>)
  }

  private func event(_ event: (inout AppState, Duration) -> [FleetAction]) {
    change { inside, now in self.effects(event(&inside.state, now), &inside) }
  }

  private func change(_ change: (inout Inside, Duration) -> [Effect]) {
    let now = tools.clock.uptime()
    let effects = inside.withLock { inside in
      let effects = change(&inside, now)
      renewTimer(&inside)
      return effects
    }
    for effect in effects { run(effect) }
  }

  /// A timer that comes too early does no harm, so one is only replaced by an earlier one: calls that come and go move
  /// the moment of falling asleep and set no timers.
  private func renewTimer(_ inside: inout Inside) {
    guard let next = inside.state.nextWake else { return }
    if let timer = inside.timer {
      guard next < timer.time else { return }
      timer.cancel()
    }
    let cancel = tools.clock.wake(at: next) { [weak self] in self?.wake(next) }
    inside.timer = (next, cancel)
  }

  private func wake(_ time: Duration) {
    change { inside, now in
      if inside.timer?.time == time { inside.timer = nil }
      return self.effects(inside.state.tick(now), &inside)
    }
  }

  /// Finds whom the machine's actions are about.
  private func effects(_ actions: [FleetAction], _ inside: inout Inside) -> [Effect] {
    actions.compactMap { action in
      switch action {
      case .start(let key, let revision):
        inside.starts[key] = Task { [weak self] in await self?.start(key, revision) }
        return nil
      case .giveUpStart(let key): return inside.starts[key].map { .cancel($0) }
      case .probe(let key, let port, let path):
        return inside.running[key].map { .probe(key, $0.replica, port: port, path: path) }
      case .examine(let key): return inside.running[key].map { .examine(key, $0.replica) }
      case .stop(let key, let grace): return inside.running[key].map { .stop($0.replica, grace: grace) }
      case .admit(let waiter, let key):
        guard let waiting = inside.waiting.removeValue(forKey: waiter), let running = inside.running[key] else {
          return nil
        }
        return .admit(waiting, key, running.replica)
      case .refuse(let waiter, let failure):
        return inside.waiting.removeValue(forKey: waiter).map { .leave($0, failure) }
      case .finish(let activation, let failure):
        return inside.activating.removeValue(forKey: activation).map { .finish($0, failure) }
      }
    }
  }

  private func run(_ effect: Effect) {
    switch effect {
    case .admit(let waiting, let key, let replica): waiting.resume(returning: .success(admission(of: key, to: replica)))
    case .leave(let waiting, let failure): waiting.resume(returning: .failure(failure))
    case .finish(let activating, let failure): activating.resume(returning: failure)
    case .close(let closer): closer.resume()
    case .endRelay(let relay): relay.end()
    case .cancel(let task): task.cancel()
    case .stop(let replica, let grace): Task { await replica.stop(grace: grace) }
    case .examine(let key, let replica):
      let evidence = ReplicaEvidence(
        lastLines: replica.log.last(20).filter { $0.stream != .platform }.suffix(10).map(\.text),
        ports: replica.listeningPorts())
      event { $0.examined(key, evidence, now: $1) }
    case .probe(let key, let replica, let port, let path):
      let (probe, timeout) = (tools.probe, tools.settings.probeTimeout)
      Task { [weak self] in
        let answer = await probe.ask(replica, port: port, path: path, timeout: timeout)
        self?.event { $0.probed(key, answer, now: $1) }
      }
    }
  }

  private func start(_ key: ReplicaKey, _ revision: AppRevision) async {
    do throws(Failure) {
      let plan = try await tools.source.plan(of: revision)
      let replica = try await tools.starter.start(plan)
      let health: HealthRule = plan.relaxations.contains(.health) ? .anyAnswer : .strict
      let since = tools.clock.moment()
      change { inside, now in
        inside.starts[key] = nil
        inside.running[key] = Running(replica: replica, since: since)
        for relay in inside.relays.values { relay.attach(replica.log, replaying: true) }
        return self.effects(inside.state.started(key, health: health, now: now), &inside)
      }
      // By a task of its own: this one may have been cancelled, and the end must be waited for all the same.
      Task { await self.watch(key, replica) }
    } catch {
      change { inside, now in
        inside.starts[key] = nil
        let effects = self.effects(inside.state.startFailed(key, error, now: now), &inside)
        return effects + (inside.state.isEmpty ? self.closersLeave(&inside) : [])
      }
    }
  }
}

extension AppDriver {
  private func watch(_ key: ReplicaKey, _ replica: any Replica) async {
    let end = await replica.end()
    change { inside, now in
      inside.running[key] = nil
      inside.ended = inside.ended.suffix(2) + [replica.log]
      let effects = self.effects(inside.state.ended(key, end, now: now), &inside)
      return effects + (inside.state.isEmpty ? self.closersLeave(&inside) : [])
    }
  }
}

extension FleetStatus.ReplicaStatus.State {
  fileprivate init(_ phase: PoolMember.Phase) {
    self =
      switch phase {
      case .starting, .probing: .starting
      case .ready: .ready
      case .unhealthy: .unhealthy
      case .draining, .stopping: .draining
      }
  }
}
