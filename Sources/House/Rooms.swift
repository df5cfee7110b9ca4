import Builder
import Diagnostics
import Gateway
import OCI
import RPC
import Registry
import Runner
import Sandbox
import Service
import Storage
import Wire

/// Everything that stands on one opening of the data directory. A reset makes other rooms, so that nothing in memory
/// can remember what was before, whoever keeps it.
struct Rooms: Sendable {
  /// What outlives a reset.
  struct Ground: Sendable {
    let settings: HouseSettings
    let identities: IdentityService
    let bound: BoundAddresses
    let threads: BuildThreads
    let probes: [SandboxProbe.Finding]
    let clock: WallClock
    let seed: SeedBoard
    /// Connections to replicas.
    let pools = ReplicaPools()

    /// Why no build can run, where none can.
    var obstacle: Failure? { SandboxProbe.obstacle(in: probes) }
  }

  let data: DataDirectory
  let queue: BuildQueue
  let builds: BuildService
  let calls: ContractCalls
  let apps: AppRooms
  let imports: ImageImportService
  let health: HealthOfTheHouse
  let gateway: HTTPGateway
  private let builder: ImageBuilder
  private let registry: ImageRegistry
  private let outside: Outside

  init(_ ground: Ground, data: DataDirectory, reset: @escaping ResetDoor.Reset) throws {
    let (settings, bound, clock) = (ground.settings, ground.bound, ground.clock)
    self.data = data

    // Registry and builder
    let registry = ImageRegistry(data: data)
    self.registry = registry
    let images = LocalImages(registry: registry, ownHosts: { bound.names })
    outside = try Outside(
      settings, data: data, registry: registry, images: images, bound: bound,
      owner: ground.identities.defaultOrganization)
    // A reset clears them with everything else.
    let faults = FaultBoard()
    let builder = ImageBuilder(
      data: data, executable: settings.executable, bases: FaultyBases(bases: outside.bases, faults: faults),
      clock: clock, files: outside.files, trees: outside.trees, cacheMounts: settings.cacheMounts)
    let job = BuildJob(
      data: data, builder: builder, git: outside.git, registry: registry, registryHost: { bound.registryHost },
      external: outside.push, grants: settings.grants, faults: faults,
      scripted: settings.script.map { ScriptedBuilder(script: $0, blobs: data.blobs, clock: clock) })
    self.builder = builder

    // Queue
    let threads = ground.threads
    queue = BuildQueue(
      data: data, workers: settings.workers, defaultTimeout: settings.buildTimeout,
      logLimit: settings.logLimit, clock: clock, isOpen: false, obstacle: ground.obstacle?.message
    ) { (record, reporter) async throws(Failure) in
      try await threads.run { () async throws(Failure) in
        // A disk that stays full fails the build where it wants the space.
        _ = try? registry.makeRoom()
        let hold = data.blobs.leases.hold()
        defer { hold.release() }
        return try await job.run(record, reporter: reporter)
      }
    }

    // Use-cases
    builds = BuildService(
      data: data, queue: queue, gitRules: settings.gitRules, clock: clock, contexts: settings.contexts,
      obstacle: ground.obstacle, faults: faults)
    apps = try AppRooms(ground, data: data, builds: builds, builder: builder, bases: outside.bases)
    calls = ContractCalls(
      builds: BuildCalls(builds), secrets: SecretCalls(SecretService(data: data, clock: clock, faults: faults)),
      compute: ComputeCalls(apps.compute, version: settings.version))
    imports = ImageImportService(data: data, registry: registry, images: images, threads: threads)

    // Door
    let health = HealthOfTheHouse(
      data: data, probes: ground.probes, addresses: bound, queue: queue.gauge, obstacle: ground.obstacle,
      faults: faults, isScripted: settings.script != nil, seed: ground.seed)
    self.health = health
    gateway = HTTPGateway(
      builds: builds, calls: calls, identities: ground.identities, registry: registry, imports: imports, data: data,
      settings: GatewaySettings(
        version: settings.version, allowedHosts: settings.allowedHosts,
        registryAuthRequired: settings.registryAuthRequired || !settings.isLoopbackOnly,
        offersSession: settings.isLoopbackOnly && !settings.registryAuthRequired,
        isShared: !settings.isLoopbackOnly, appDomain: settings.appDomain),
      reset: reset, readiness: { health.readiness() })
  }

  var expiry: ContextExpiry { ContextExpiry(data: data) }

  /// Takes over what the last run of the server left; nothing begins before the queue is opened.
  func recover() async throws(Failure) {
    try await queue.recover()
    try await apps.compute.recover()
  }

  /// Makes room for what is to come, in the background.
  func tidy(on threads: BuildThreads) { Task(executorPreference: threads) { [builder] in builder.tidy() } }

  /// Ends what the rooms hold beyond the data directory; their queue has stopped before.
  func close(appGrace: Duration = .seconds(2)) async {
    await apps.stop(grace: appGrace)
    await outside.close()
    await builder.settle()
    registry.settle()
  }
}
