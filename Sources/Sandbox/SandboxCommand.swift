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
  /// Mounted in this order, before `tmpfs`.
  package var binds: [Bind]
  package var tmpfs: [Tmpfs]
  package var limits: Limits

  package init(
    root: SandboxRoot,
    mountPoint: FilePath,
    arguments: [String],
    environment: [String] = [],
    workingDirectory: String = "/",
    user: UserSpec = .root,
    hostname: String = "localhost",
    network: Network = .host,
    binds: [Bind] = [],
    tmpfs: [Tmpfs] = [],
    limits: Limits = Limits()
  ) {
    self.root = root
    self.mountPoint = mountPoint
    self.arguments = arguments
    self.environment = environment
    self.workingDirectory = workingDirectory
    self.user = user
    self.hostname = hostname
    self.network = network
    self.binds = binds
    self.tmpfs = tmpfs
    self.limits = limits
  }

  package enum Network: Sendable, Hashable {
    /// The machine's own network.
    case host
    /// Nothing but a loopback interface.
    case none
  }

  /// A file or directory of the machine shown inside the root.
  ///
  /// What isn't there to mount on is made for the run and leaves no trace in the upper directory.
  package struct Bind: Sendable, Hashable {
    package var source: FilePath
    /// Absolute, inside the root; the image's symbolic links are followed without leaving it.
    package var target: FilePath
    package var readOnly: Bool
    package init(source: FilePath, target: FilePath, readOnly: Bool = false) {
      self.source = source
      self.target = target
      self.readOnly = readOnly
    }
  }

  /// An empty directory in memory, gone after the run.
  package struct Tmpfs: Sendable, Hashable {
    /// Absolute, inside the root.
    package var target: FilePath
    /// nil: half of the machine's memory.
    package var size: ByteCount?
    package init(target: FilePath, size: ByteCount? = nil) {
      self.target = target
      self.size = size
    }
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
