import Diagnostics
import Gateway
import Logging
import NIOCore
import NIOPosix
import RPC
import Runner
import Sandbox
import Service
import ServiceLifecycle
import Storage
import SystemPackage
import UnixSignals
import Wire

/// The composition root: settings → rooms → doors → run → stop. Reads like the house is built.
package struct House: Sendable {
  /// What a server that is ready says about itself.
  package struct Ready: Sendable {
    package var runFile: RunFile
    /// `host:port` of the registry, as image references begin.
    package var registry: String
    /// Of the builds that were ever made, as many as are counted in a moment.
    package var builds: Int
    package var queue: QueueStatus
    package var sandbox: [SandboxProbe.Finding]
    package var warnings: [String]
  }

  private let settings: HouseSettings
  private let clock: WallClock
  private let logger: Logger

  package init(_ settings: HouseSettings, clock: WallClock = .system, logger: Logger) {
    self.settings = settings
    self.clock = clock
    self.logger = logger
  }

  /// Serves until it is told to stop by a signal or by cancellation; `onReady` is called once, when every address
  /// answers, `onStopping` when the stop waits for builds. Returns what the stop left; throws what keeps it from starting.
  package func run(
    signals: [UnixSignal] = [.sigterm, .sigint], onReady: @escaping @Sendable (Ready) -> Void,
    onStopping: @escaping @Sendable ([BuildRecord]) -> Void = { _ in }
  ) async throws -> StopReport {
    // The doors read and hash on NIO's blocking threads; one for each core would make uploads wait for downloads.
    NIOSingletons.blockingPoolThreadCountSuggestion = 16

    let numbers = try settings.fieldNumbers

    // Storage
    let data = try DataDirectory.open(at: settings.dataDirectory, durability: settings.durability, clock: clock)
    // What a reset made of it is closed by whoever opened that.
    defer { data.close() }

    // What outlives a reset, and the rooms that stand on it
    let identities = try IdentityService(mode: settings.authentication, mint: await TokenMint(key: data.key))
    try await FirstToken(data: data).makeIfMissing(by: identities)
    let bound = BoundAddresses(main: settings.listen, grpc: settings.grpcListen)
    let threads = BuildThreads()
    // A script runs nothing, so nothing can keep it from running.
    let probes = settings.script == nil ? SandboxProbe.run() : []
    let ground = Rooms.Ground(
      settings: settings, identities: identities, bound: bound, threads: threads, probes: probes,
      clock: clock, seed: try SeedBoard(folder: settings.seed))
    let open = OpenRooms(ground)
    let first = try open.start(data)
    defer { open.now?.data.close() }

    // Doors
    let calls = { @Sendable () async -> ContractCalls in await open.current()?.calls ?? first.calls }
    let apps = AppDoor(
      domain: settings.appDomain, identities: identities, pools: ground.pools, clock: clock, logger: logger
    ) { open.now?.apps.door }
    let door = DoorServer(
      addresses: [settings.listen, settings.grpcListen],
      responder: { request, writer, channel in
        guard let rooms = await open.current() else { return }
        try await rooms.gateway.responder(request, writer, channel)
      },
      services: [
        BuildServiceRPC(identities: identities, calls: calls), SecretServiceRPC(identities: identities, calls: calls),
        ComputeServiceRPC(identities: identities, calls: calls),
      ],
      off: ground.obstacle == nil ? [] : [BuildServiceRPC.name], numbers: numbers,
      guests: Door.Guests(own: apps.owns, serve: apps.serve),
      isReady: { open.now?.health.readiness().ready ?? false }, logger: logger
    ) { addresses in
      bound.set(main: addresses[0], grpc: addresses[1])
      await first.queue.open()
      await first.apps.keepReserves()
      var ready = ready(first, ground)
      ready.warnings += numbers?.differences ?? []
      do { try data.writeRunFile(ready.runFile) } catch { logger.error("run.json: \(error)") }
      ready.warnings += await SeedRun(ground, first).apply().filter { !$0.ok }.map(\.warning)
      onReady(ready)
    }

    // Run and stop: the queue stops first, so that no build begins while the doors drain.
    let stop = QueueService(
      queue: { open.now?.queue }, logs: { open.now?.data.events }, grace: settings.stopGrace, onWait: onStopping)
    try await first.recover()
    first.tidy(on: threads)
    do {
      try await serviceGroup(door, stop, ContextSweep(expiry: { open.now?.expiry }, logger: logger), signals).run()
    } catch {
      await open.now?.queue.stop()
      await open.now?.close()
      try? data.removeRunFile()
      throw error
    }
    // Of rooms that a reset made while the stop went on, the stop knew nothing.
    await open.now?.queue.stop()
    await open.now?.close()
    try data.removeRunFile()
    return stop.report
  }

  private func serviceGroup(
    _ door: DoorServer, _ queue: QueueService, _ sweep: ContextSweep, _ signals: [UnixSignal]
  ) -> ServiceGroup {
    typealias Member = ServiceGroupConfiguration.ServiceConfiguration
    var group = ServiceGroupConfiguration(
      services: [
        Member(service: door, successTerminationBehavior: .gracefullyShutdownGroup),
        Member(service: queue, successTerminationBehavior: .ignore),
        Member(service: sweep, successTerminationBehavior: .ignore),
      ], gracefulShutdownSignals: signals, logger: logger)
    group.maximumGracefulShutdownDuration = settings.stopGrace + .seconds(20)
    return ServiceGroup(configuration: group)
  }

  private func ready(_ rooms: Rooms, _ ground: Rooms.Ground) -> Ready {
    let (main, grpc) = ground.bound.current
    let file = RunFile(
      pid: ProcessID.current, urls: .init(http: "http://\(main.urlHost)", grpc: grpc.urlHost),
      ports: .init(http: main.port, grpc: grpc.port), version: settings.version, startedAt: clock.now())
    var warnings = ground.probes.filter { !$0.ok }.map {
      "\($0.name): \($0.detail)" + ($0.hint.map { "; \($0)" } ?? "")
    }
    if let obstacle = ground.obstacle { warnings.insert(obstacle.oneLine, at: 0) }
    if let since = rooms.queue.gauge.status.pausedAt {
      warnings.append("the queue is paused since \(since.clockText); no build begins until: kindling queue resume")
    }
    if settings.script != nil {
      warnings.append("builds are scripted: nothing of their sources is built")
    } else if let warning = UserNamespace.situation.warning {
      warnings.append(warning)
    }
    let limits = rooms.apps.limits
    if !limits.ok { warnings.append("\(limits.name): \(limits.detail)" + (limits.hint.map { "; \($0)" } ?? "")) }
    if !settings.relaxations.isEmpty {
      let words = Relaxations.words.filter { settings.relaxations.contains($0.rule) }.map(\.word)
      warnings.append(
        "relaxed for apps: " + words.joined(separator: ", ") + "; what works here may be refused elsewhere")
    }
    if settings.grants.allowsInsecure {
      warnings.append("RUN --security=insecure is allowed: whoever builds here has all that this server may do")
    }
    if !settings.isLoopbackOnly {
      warnings.append("listening beyond this machine: whoever reaches the port can run code here with a token")
    }
    return Ready(
      runFile: file, registry: ground.bound.registryHost, builds: (try? rooms.data.ledger.buildCount()) ?? 0,
      queue: rooms.queue.gauge.status, sandbox: ground.probes, warnings: warnings)
  }
}
