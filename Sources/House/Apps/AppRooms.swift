import Builder
import Diagnostics
import Gateway
import RPC
import Runner
import Sandbox
import Service
import Storage
import SystemPackage

/// What runs apps: their images, replicas and calls.
struct AppRooms: Sendable {
  let fleet: Fleet
  let directory: KnownApps
  let caller: any AppCaller
  let compute: ComputeService
  /// How this machine keeps replicas to their limits.
  let limits: SandboxProbe.Finding

  init(_ ground: Rooms.Ground, data: DataDirectory, builds: BuildService, builder: ImageBuilder, bases: BaseImages)
    throws
  {
    let (settings, bound) = (ground.settings, ground.bound)
    let images = AppImages(data: data, bases: bases, builder: builder, threads: ground.threads, faults: builds.faults)
    let revisions = AppRevisions(
      data: data, images: images, relaxations: settings.relaxations,
      outbound: settings.network == .none ? .nowhere : .everywhere)
    let replicas = try SandboxedReplicas(
      folder: data.path(.cache).appending("replicas"), executable: settings.executable, clock: ground.clock)
    limits = replicas.limitFinding
    fleet = Fleet(starter: replicas, source: revisions)
    caller = Calls(fleet: fleet, pools: ground.pools)
    directory = KnownApps()
    var service = ComputeService.Settings()
    service.isStrict = settings.isStrict
    service.version = settings.version
    service.address = { label in "http://\(label).\(settings.appDomain):\(bound.current.main.port)" }
    compute = ComputeService(
      data: data, builds: builds, images: images, revisions: revisions, directory: directory, fleet: fleet,
      caller: caller, settings: service)
  }

  /// Starts the replicas that apps keep when nobody calls them.
  func keepReserves() async { await fleet.keep(compute.reservedApps) }

  /// What the door of the host names stands on.
  var door: AppDoor.Rooms { AppDoor.Rooms(fleet: fleet, directory: directory, faults: compute.faults) }

  /// Ends everything that runs; calls that are under way get `grace`.
  func stop(grace: Duration) async {
    await compute.stop()
    await fleet.stop(grace: grace)
  }
}
