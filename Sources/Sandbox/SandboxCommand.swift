import Diagnostics
import SystemPackage

/// One command and everything it is run with.
package struct SandboxCommand: Sendable, Hashable {
  package var root: SandboxRoot
  /// An existing, empty directory; what is mounted there is seen by the command alone.
  package var mountPoint: FilePath
  /// The argument vector; a first word without a slash is looked up in `PATH` of `environment`, inside the root.
  package var arguments: [String]
  /// `NAME=value`, complete: nothing is added, and nothing of the server's own environment is passed on.
  package var environment: [String]
  /// Must exist in the root, else the run throws a failure with the reason `workdir-missing`.
  package var workingDirectory: String
  package var user: UserSpec
  package var hostname: String
  package var network: Network
  /// Made in this order, so that a later one may lie in an earlier one.
  package var mounts: [SandboxMount]
  package var limits: Limits
  /// BuildKit's `--security=insecure`: the command keeps every capability of ours, and nothing of proc and sys is
  /// hidden from it. The machine is not safe from such a command.
  package var isPrivileged: Bool

  package init(
    root: SandboxRoot,
    mountPoint: FilePath,
    arguments: [String],
    environment: [String] = [],
    workingDirectory: String = "/",
    user: UserSpec = .root,
    hostname: String = "localhost",
    network: Network = .host,
    mounts: [SandboxMount] = [],
    limits: Limits = Limits(),
    isPrivileged: Bool = false
  ) {
    self.root = root
    self.mountPoint = mountPoint
    self.arguments = arguments
    self.environment = environment
    self.workingDirectory = workingDirectory
    self.user = user
    self.hostname = hostname
    self.network = network
    self.mounts = mounts
    self.limits = limits
    self.isPrivileged = isPrivileged
  }

  package enum Network: Sendable, Hashable {
    /// The machine's own network.
    case host
    /// Nothing but a loopback interface.
    case none
  }

  /// Resource limits as docker sets them; what exceeds the server's own hard limits is cut down to those.
  package struct Limits: Sendable, Hashable {
    package var openFiles: UInt64 = 1024
    package var openFilesMaximum: UInt64 = 524_288
    /// Here: none, as a core file would end up in the layer.
    package var coreSize = ByteCount(0)
    /// The mode bits new files don't get.
    package var umask: UInt16 = 0o022
    package init() {}
  }
}

/// Whom a command runs as, in numbers of the root.
package struct UserSpec: Sendable, Hashable {
  package var uid: UInt32
  package var gid: UInt32
  /// The supplementary groups.
  package var supplementary: [UInt32]
  package init(uid: UInt32, gid: UInt32, supplementary: [UInt32] = []) {
    self.uid = uid
    self.gid = gid
    self.supplementary = supplementary
  }
  package static let root = UserSpec(uid: 0, gid: 0)
}
