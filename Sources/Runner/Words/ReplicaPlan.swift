import Diagnostics
import OCI
import Storage
import SystemPackage

/// Everything a replica is started with. Made afresh for every cold start: secrets and images are read then (contract
/// §1.2, "slots are read afresh at every cold start").
package struct ReplicaPlan: Sendable {
  package var revision: AppRevision
  /// As people know it: the reference that was deployed.
  package var imageReference: String
  /// The image's unpacked layers, topmost first; never written to.
  package var lowers: [FilePath]
  package var config: ImageConfig
  /// The app's own variables; they win over the image's.
  package var environment: [String: String]
  package var limits: ReplicaLimits
  package var relaxations: Relaxations
  package var outbound: OutboundReach
  /// Whatever has to live as long as the replica does, such as the lease that keeps the layers.
  package var holds: (any Sendable)?

  package init(
    revision: AppRevision, imageReference: String, lowers: [FilePath], config: ImageConfig,
    environment: [String: String] = [:], limits: ReplicaLimits = ReplicaLimits(), relaxations: Relaxations = [],
    outbound: OutboundReach = .everywhere, holds: (any Sendable)? = nil
  ) {
    self.revision = revision
    self.imageReference = imageReference
    self.lowers = lowers
    self.config = config
    self.environment = environment
    self.limits = limits
    self.relaxations = relaxations
    self.outbound = outbound
    self.holds = holds
  }
}

/// What one replica may use of the machine.
package struct ReplicaLimits: Sendable, Hashable {
  package var memory: ByteCount
  /// Thousandths of a core.
  package var cpu: Int
  package var processes: Int

  /// The tier MEDIUM (contract §1.2).
  package init(memory: ByteCount = .mebibytes(512), cpu: Int = 500, processes: Int = 512) {
    self.memory = memory
    self.cpu = cpu
    self.processes = processes
  }
}

/// How far a replica's own connections get.
package enum OutboundReach: Sendable, Hashable {
  case nowhere
  /// Wherever this machine gets, its own loopback addresses excepted.
  case everywhere
}

/// The rules of the container contract that are switched off, each by its own word of `--relaxed`.
package struct Relaxations: OptionSet, Sendable, Hashable {
  package let rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }
  /// The image may run as root, and `USER` may be a name.
  package static let user = Relaxations(rawValue: 1)
  /// The root may be written to; gone with the replica.
  package static let root = Relaxations(rawValue: 2)
  /// Docker's default capabilities and system calls instead of none and the strict ones.
  package static let privileges = Relaxations(rawValue: 4)
  /// Every answer of the health path says ready, also 404; and nothing is asked when it fails later.
  package static let health = Relaxations(rawValue: 8)
  /// Tier limits of memory, cpu and processes are not set.
  package static let limits = Relaxations(rawValue: 16)

  package static let words: [(word: String, rule: Relaxations)] = [
    ("user", .user), ("root", .root), ("privileges", .privileges), ("health", .health), ("limits", .limits),
  ]
}
