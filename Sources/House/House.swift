import Builder
import Diagnostics
import Gateway
import Logging
import NIOCore
import NIOPosix
import OCI
import RPC
import Registry
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
    defer { data.close() }

    // Identity
    let identities = try IdentityService(mode: settings.authentication, mint: await TokenMint(key: data.key))
    try await FirstToken(data: data).makeIfMissing(by: identities)

    // Registry and builder
    let bound = BoundAddresses(main: settings.listen, grpc: settings.grpcListen)
    let registry = ImageRegistry(data: data)
    let images = LocalImages(registry: registry, ownHosts: { bound.names })
    let outside = try Outside(
      settings, data: data, registry: registry, images: images, bound: bound, owner: identities.defaultOrganization)
    let faults = FaultBoard()
    let builder = ImageBuilder(
      data: data, executable: settings.executable, bases: FaultyBases(bases: outside.bases, faults: faults),
      clock: clock, files: outside.files,
      trees: outside.trees, cacheMounts: settings.cacheMounts)
    let job = BuildJob(
      data: data, builder: builder, git: outside.git, registry: registry, registryHost: { bound.registryHost },
      external: outside.push, grants: settings.grants, faults: faults,
      scripted: settings.script.map { ScriptedBuilder(script: $0, blobs: data.blobs, clock: clock) })

    // Queue
    let threads = BuildThreads()
    // A script runs nothing, so nothing can keep it from running.
    let probes = settings.script == nil ? SandboxProbe.run() : []
    let obstacle = SandboxProbe.obstacle(in: probes)
    let queue = BuildQueue(
      data: data, workers: settings.workers, defaultTimeout: settings.buildTimeout,
      logLimit: settings.logLimit, clock: clock, isOpen: false, obstacle: obstacle?.message
    ) { (record, reporter) async throws(Failure) in
      try await threads.run { () async throws(Failure) in try await job.run(record, reporter: reporter) }
    }

    // Use-cases
    let builds = BuildService(
      data: data, queue: queue, gitRules: settings.gitRules, clock: clock, contexts: settings.contexts,
      obstacle: obstacle, faults: faults)
    let imports = ImageImportService(data: data, registry: registry, images: images, threads: threads)

    // Doors
    let health = HealthOfTheHouse(
      data: data, probes: probes, addresses: bound, queue: queue.gauge, obstacle: obstacle, faults: faults,
      isScripted: settings.script != nil)
    let gateway = HTTPGateway(
      builds: builds, identities: identities, registry: registry, imports: imports, data: data,
      settings: GatewaySettings(
        version: settings.version, allowedHosts: settings.allowedHosts,
        registryAuthRequired: settings.registryAuthRequired || !settings.isLoopbackOnly,
        offersSession: settings.isLoopbackOnly && !settings.registryAuthRequired,
        isShared: !settings.isLoopbackOnly),
      readiness: { health.readiness() })
    let door = DoorServer(
      addresses: [settings.listen, settings.grpcListen], responder: gateway.responder,
      services: [BuildServiceRPC(calls: BuildCalls(builds), identities: identities)],
      off: obstacle == nil ? [] : [BuildServiceRPC.name], numbers: numbers,
      isReady: { health.readiness().ready }, logger: logger
    ) { addresses in
      bound.set(main: addresses[0], grpc: addresses[1])
      await queue.open()
      var ready = ready(bound, data: data, probes: probes, obstacle: obstacle, queue: queue.gauge)
      ready.warnings += numbers?.differences ?? []
      do { try data.writeRunFile(ready.runFile) } catch { logger.error("run.json: \(error)") }
      onReady(ready)
    }

    // Run and stop: the queue stops first, so that no build begins while the doors drain.
    let stop = QueueService(queue: queue, logs: data.events, grace: settings.stopGrace, onWait: onStopping)
    try await queue.recover()
    Task(executorPreference: threads) { builder.tidy() }
    do {
      try await serviceGroup(door, stop, ContextExpiry(data: data), signals).run()
    } catch {
      await queue.stop()
      await outside.close()
      try? data.removeRunFile()
      throw error
    }
    await outside.close()
    try data.removeRunFile()
    return stop.report
  }

  private func serviceGroup(
    _ door: DoorServer, _ queue: QueueService, _ expiry: ContextExpiry, _ signals: [UnixSignal]
  ) -> ServiceGroup {
    typealias Member = ServiceGroupConfiguration.ServiceConfiguration
    var group = ServiceGroupConfiguration(
      services: [
        Member(service: door, successTerminationBehavior: .gracefullyShutdownGroup),
        Member(service: queue, successTerminationBehavior: .ignore),
        Member(service: ContextSweep(expiry: expiry, logger: logger), successTerminationBehavior: .ignore),
      ], gracefulShutdownSignals: signals, logger: logger)
    group.maximumGracefulShutdownDuration = settings.stopGrace + .seconds(20)
    return ServiceGroup(configuration: group)
  }

  private func ready(
    _ bound: BoundAddresses, data: DataDirectory, probes: [SandboxProbe.Finding], obstacle: Failure?, queue: QueueGauge
  ) -> Ready {
    let (main, grpc) = bound.current
    let file = RunFile(
      pid: ProcessID.current, urls: .init(http: "http://\(main.urlHost)", grpc: grpc.urlHost),
      ports: .init(http: main.port, grpc: grpc.port), version: settings.version, startedAt: clock.now())
    var warnings = probes.filter { !$0.ok }.map { "\($0.name): \($0.detail)" + ($0.hint.map { "; \($0)" } ?? "") }
    if let obstacle { warnings.insert(obstacle.oneLine, at: 0) }
    if let since = queue.status.pausedAt {
      warnings.append("the queue is paused since \(since.clockText); no build begins until: kindling queue resume")
    }
    if settings.script != nil {
      warnings.append("builds are scripted: nothing of their sources is built")
    } else if let warning = UserNamespace.situation.warning {
      warnings.append(warning)
    }
    if settings.grants.allowsInsecure {
      warnings.append("RUN --security=insecure is allowed: whoever builds here has all that this server may do")
    }
    if !settings.isLoopbackOnly {
      warnings.append("listening beyond this machine: whoever reaches the port can run code here with a token")
    }
    return Ready(
      runFile: file, registry: bound.registryHost, builds: (try? data.ledger.buildCount()) ?? 0,
      queue: queue.status, sandbox: probes,
      warnings: warnings)
  }
}
