import Builder
import Diagnostics
import RPC
import Runner
import Service
import Storage
import SystemPackage

/// What runs apps: their images, replicas and calls.
struct AppRooms: Sendable {
  let fleet: Fleet
  let directory: KnownApps
  let caller: any AppCaller
  let compute: ComputeService

  init(_ ground: Rooms.Ground, data: DataDirectory, builds: BuildService, builder: ImageBuilder, bases: BaseImages)
    throws
  {
    let (settings, bound) = (ground.settings, ground.bound)
    let images = AppImages(data: data, bases: bases, builder: builder, threads: ground.threads, faults: builds.faults)
    let revisions = AppRevisions(
      data: data, images: images, relaxations: settings.relaxations,
      outbound: settings.network == .none ? .nowhere : .everywhere)
    fleet = Fleet(starter: AbsentReplicas(), source: revisions)
    caller = AbsentCalls(fleet: fleet)
    directory = KnownApps()
    var service = ComputeService.Settings()
    service.isStrict = settings.isStrict
    service.version = settings.version
    service.address = { label in "http://\(label).ignite.localhost:\(bound.current.main.port)" }
    compute = ComputeService(
      data: data, builds: builds, images: images, revisions: revisions, directory: directory, fleet: fleet,
      caller: caller, settings: service)
  }

  /// Starts the replicas that apps keep when nobody calls them.
  func keepReserves() async { await fleet.keep(compute.reservedApps) }

  /// Ends everything that runs; calls that are under way get `grace`.
  func stop(grace: Duration) async {
    await compute.stop()
    await fleet.stop(grace: grace)
  }
}
