import Diagnostics
import protocol NIOCore.EventLoopGroup
import Sandbox
import Storage
import Synchronization
import SystemPackage

/// One replica in its sandbox.
final class SandboxedReplica: Replica {
  let id: ReplicaID
  let plan: ReplicaPlan
  let log = ReplicaLog()

  private struct State {
    var resident: Resident?
    var isStopping = false
    var end: ReplicaEnd?
    var waiting: [CheckedContinuation<ReplicaEnd, Never>] = []
  }

  private let state = Mutex(State())
  private let clock: WallClock
  private let group: ReplicaGroup?
  private let eventLoops: any EventLoopGroup

  init(id: ReplicaID, plan: ReplicaPlan, clock: WallClock, group: ReplicaGroup?, eventLoops: any EventLoopGroup) {
    self.eventLoops = eventLoops
    self.id = id
    self.plan = plan
    self.clock = clock
    self.group = group
  }

  func start(
    _ command: ResidentCommand, executable: FilePath, resolver: HostResolver
  ) async throws(Failure) {
    say(ReplicaWords.starting(plan, command))
    let output = ReplicaOutput(replica: id, log: log, clock: clock)
    let relay = OutboundRelay(group: eventLoops)
    let resident = try await Resident.start(
      command, executable: executable, output: { output.take($0) }, connecting: { relay.take($0) },
      ended: { [self] end in
        output.finish()
        finish(end)
      })
    state.withLock { $0.resident = $0.end == nil ? resident : nil }
    guard command.asksToConnect else { return }
    guard resident.asksToConnect, await NameForwarder.serve(resident, resolver, eventLoops) else {
      return say("connections to the outside are refused: this machine lets nobody listen for system calls")
    }
  }

  func socket() throws(Failure) -> FileDescriptor {
    do throws(Errno) {
      if let socket = try state.withLock({ $0.resident })?.socket() { return socket }
    } catch {
      throw Failure(
        .resourceExhausted, reason: "replica-socket", "no socket can be made in the network of replica \(id)",
        hint: "raise the limit of open files (ulimit -n)", cause: error.description)
    }
    throw Failure(.unavailable, reason: "replica-ended", "replica \(id) has ended")
  }

  func listeningPorts() -> [AppPort] {
    // 53 is where this server answers its questions for names.
    state.withLock { $0.resident }?.listeningPorts().filter { $0 != 53 }.compactMap { AppPort($0) } ?? []
  }

  func end() async -> ReplicaEnd {
    await withCheckedContinuation { continuation in
      let end = state.withLock { state -> ReplicaEnd? in
        if state.end == nil { state.waiting.append(continuation) }
        return state.end
      }
      if let end { continuation.resume(returning: end) }
    }
  }

  func stop(grace: Duration) async {
    let resident = state.withLock { state -> Resident? in
      state.isStopping = true
      return state.resident
    }
    let signal = StopSignal(of: plan.config)
    resident?.signal(signal.number)
    let timer = Task {
      guard (try? await Task.sleep(for: grace)) != nil else { return }
      say(ReplicaWords.stubborn(signal, grace))
      resident?.kill()
    }
    _ = await end()
    timer.cancel()
  }

  /// By the thread of the output, when all is dead.
  private func finish(_ end: Resident.End) {
    group?.remove()
    let isStopping = state.withLock { $0.isStopping }
    let cause = isStopping ? .stopped : Self.cause(end, plan.limits)
    say(ReplicaWords.ended(end, cause, plan.limits))
    let last = log.last(200).filter { $0.stream != .platform }.suffix(10).map(\.text)
    log.close()
    let result = ReplicaEnd(cause: cause, lastLines: last)
    let waiting = state.withLock { state in
      state.end = result
      state.resident = nil
      defer { state.waiting = [] }
      return state.waiting
    }
    for continuation in waiting { continuation.resume(returning: result) }
  }

  private static func cause(_ end: Resident.End, _ limits: ReplicaLimits) -> ReplicaEnd.Cause {
    switch end.status {
    // The kernel kills with SIGKILL, and a shell around what it killed says 137.
    case .signalled(9) where end.memoryKills > 0, .exited(137) where end.memoryKills > 0,
      nil where end.memoryKills > 0:
      .outOfMemory(limit: limits.memory)
    case .exited(let status): .exited(status: Int(status))
    case .signalled(let number): .signalled(Int(number))
    case nil: .signalled(9)
    }
  }

  private func say(_ text: String) {
    log.append(AppLogLine(moment: clock.now(), replica: id, stream: .platform, text: text))
  }
}
