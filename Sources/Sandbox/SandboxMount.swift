import Diagnostics
import SystemPackage

/// Something shown inside the root for one command.
///
/// What isn't there to mount on is made for the run and leaves no trace in the upper directory.
package struct SandboxMount: Sendable, Hashable {
  package enum Source: Sendable, Hashable {
    /// A file or directory of the machine, with what is mounted below it.
    case bind(FilePath)
    /// A file or directory of an overlay of the command's own, over at least one layer; links in `path` stay inside it.
    ///
    /// What the command writes goes to the overlay's upper directory. Throws `sandbox-mount` when nothing is there.
    case layers(SandboxRoot, path: FilePath)
    /// An empty directory in memory, gone after the run; nil is half of the machine's memory.
    case memory(size: ByteCount?)
    /// The same, but owned by the command's user instead of everybody's to write to.
    case ownMemory(size: ByteCount)
    /// A file in memory with these bytes, which never reach a disk.
    case content(SecretValue, owner: UserSpec, mode: UInt16)
  }

  package var source: Source
  /// Absolute, inside the root; the image's symbolic links are followed without leaving it.
  package var target: FilePath
  package var readOnly: Bool

  package init(_ source: Source, target: FilePath, readOnly: Bool = false) {
    self.source = source
    self.target = target
    self.readOnly = readOnly
  }

  package static func bind(_ source: FilePath, target: FilePath, readOnly: Bool = false) -> SandboxMount {
    SandboxMount(.bind(source), target: target, readOnly: readOnly)
  }

  package static func tmpfs(_ target: FilePath, size: ByteCount? = nil) -> SandboxMount {
    SandboxMount(.memory(size: size), target: target)
  }
}
