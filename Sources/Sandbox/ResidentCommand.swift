import Diagnostics
import SystemPackage

/// A command that goes on until it is told to end, and everything it is run with: a container in the usual sense.
///
/// It has namespaces of its own of every kind, its network with nothing but a loopback interface, where ports from 0 on
/// are free to listen on. What it writes to its root is in memory and gone with it.
package struct ResidentCommand: Sendable, Hashable {
  /// Unpacked layers, topmost first; never written to, and at least one.
  package var lowers: [FilePath]
  /// An existing, empty directory. Commands may share it: what is mounted there is seen by each of them alone.
  package var mountPoint: FilePath
  /// How much may be written to the root in all, mount points included.
  package var rootSize: ByteCount
  /// The argument vector; a first word without a slash is looked up in `PATH` of `environment`, inside the root.
  package var arguments: [String]
  /// `NAME=value`, complete.
  package var environment: [String] = []
  package var workingDirectory = "/"
  /// As an image has it, `NAME-OR-UID[:NAME-OR-GID]`, looked up in the image's own files.
  package var user = "0"
  package var hostname = "localhost"
  package var mounts: [SandboxMount] = []
  package var limits = SandboxCommand.Limits()
  /// Only `mounts` can be written to.
  package var isRootReadOnly = true
  /// No capabilities, whatever the user, none to be gained, and fewer system calls than builds have.
  package var isStrict = true
  /// Whether its connections beyond its own network are asked for, instead of being refused by the kernel.
  package var asksToConnect = false
  /// Directories of control groups; removed at the end, also when the server is killed.
  package var controlGroups: [FilePath] = []
  /// The file that counts kills for memory in its line `oom_kill`.
  package var memoryEvents: FilePath?
  /// The data one process may have, where no control group bounds it.
  package var dataSize: ByteCount?
  /// The processes its user may have, where no control group bounds them.
  package var processes: Int?

  package init(lowers: [FilePath], mountPoint: FilePath, rootSize: ByteCount, arguments: [String]) {
    self.lowers = lowers
    self.mountPoint = mountPoint
    self.rootSize = rootSize
    self.arguments = arguments
  }
}
