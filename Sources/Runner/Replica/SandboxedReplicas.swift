import Diagnostics
import Glibc
import NIOCore
import NIOPosix
import Sandbox
import Storage
import SystemPackage

/// Starts every replica in a sandbox of its own, under the rules of the container contract (contract §1.2).
package struct SandboxedReplicas: ReplicaStarter {
  private let executable: FilePath
  private let mountPoint: FilePath
  private let clock: WallClock
  private let eventLoops: any EventLoopGroup
  let groups: ControlGroups
  /// Whom replicas' questions for names go to; nil is whom this machine asks.
  var resolver: HostResolver?

  /// `folder` is a directory of ours, made if it isn't there; replicas write nothing to it. `executable` is started
  /// again as each replica's first process: a program that links the sandbox, usually ourselves.
  package init(
    folder: FilePath, executable: FilePath = "/proc/self/exe", clock: WallClock = .system,
    eventLoops: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
  ) throws(Failure) {
    try self.init(
      folder: folder, executable: executable, clock: clock, eventLoops: eventLoops, groups: .ofThisMachine())
  }

  init(
    folder: FilePath, executable: FilePath, clock: WallClock = .system,
    eventLoops: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton, groups: ControlGroups
  ) throws(Failure) {
    self.eventLoops = eventLoops
    self.executable = executable
    self.clock = clock
    self.groups = groups
    // Shared by all: what a replica mounts there is in its own namespace of mounts.
    mountPoint = folder.appending("root")
    for directory in [folder, mountPoint] where directory.withPlatformString({ mkdir($0, 0o755) }) != 0 {
      if errno == EEXIST { continue }
      throw Failure(
        .internal, reason: "replica-folder", "directory \"\(directory)\" for replicas can't be made",
        cause: Errno(rawValue: errno).description)
    }
    groups.removeLeftovers()
  }

  /// How this machine lets the limits of replicas be kept.
  package var limitFinding: SandboxProbe.Finding { groups.finding }

  package func start(_ plan: ReplicaPlan) async throws(Failure) -> any Replica {
    let id = ReplicaID.make(at: clock.now())
    // Read anew, as a laptop changes its networks.
    let resolver = resolver ?? .ofThisMachine()
    var command = try ReplicaCommand(plan, id: id, mountPoint: mountPoint, resolver: resolver).resident
    let group = plan.relaxations.contains(.limits) ? nil : try groups.make(for: id, plan.limits)
    if let group {
      command.controlGroups = group.directories
      command.memoryEvents = group.memoryEvents
      if !group.boundsMemory { command.dataSize = plan.limits.memory }
      if !group.boundsProcesses { command.processes = plan.limits.processes }
    }
    let replica = SandboxedReplica(id: id, plan: plan, clock: clock, group: group, eventLoops: eventLoops)
    do throws(Failure) {
      try await replica.start(command, executable: executable, resolver: resolver)
    } catch {
      group?.remove()
      throw error
    }
    return replica
  }
}
