import Diagnostics
import SystemPackage

/// A command as the init reads it: NUL-terminated records of a tag letter and a value; `description.c` is the reader.
struct SandboxDescription {
  private(set) var bytes: [UInt8] = []

  init(_ command: SandboxCommand, inUserNamespace: Bool) throws(Failure) {
    try Self.check(command)
    let root = command.root
    // An overlay needs a lower directory; the mount point is an empty one.
    for lower in root.lowers.isEmpty ? [command.mountPoint] : root.lowers { try append("l", lower) }
    try append("u", root.upper)
    try append("w", root.work)
    try append("m", command.mountPoint)
    for argument in command.arguments { try append("a", argument) }
    for variable in command.environment { try append("e", variable) }
    try append("c", command.workingDirectory)
    try append("h", command.hostname)
    try append("U", "\(command.user.uid)")
    try append("G", "\(command.user.gid)")
    for group in command.user.supplementary { try append("g", "\(group)") }
    try append("S", "\(min(command.limits.openFiles, command.limits.openFilesMaximum))")
    try append("H", "\(command.limits.openFilesMaximum)")
    try append("C", "\(max(0, command.limits.coreSize.bytes))")
    try append("M", "\(command.limits.umask & 0o777)")
    if command.network == .none { try append("N", "") }
    if inUserNamespace { try append("x", "") }
    for bind in command.binds {
      try append("b", bind.source)
      try append("t", bind.target)
      if bind.readOnly { try append("r", "") }
    }
    for tmpfs in command.tmpfs {
      try append("f", "")
      try append("t", tmpfs.target)
      if let size = tmpfs.size { try append("z", "\(size.bytes)") }
    }
  }

  private static func check(_ command: SandboxCommand) throws(Failure) {
    if command.arguments.isEmpty {
      throw Failure(.invalidArgument, reason: "sandbox-command-empty", "command has no words")
    }
    if command.root.lowers.count > SandboxRoot.maximumLowers {
      throw Failure(
        .failedPrecondition,
        reason: "sandbox-too-many-layers",
        "root of \(command.root.lowers.count) layers is more than the \(SandboxRoot.maximumLowers) the kernel stacks",
        hint: "join instructions, or build with --single-snapshot"
      )
    }
    if command.binds.count + command.tmpfs.count > 256 {
      throw Failure(.invalidArgument, reason: "sandbox-too-many-mounts", "command has more than 256 mounts")
    }
    if command.hostname.utf8.count > 64 {
      throw Failure(.invalidArgument, reason: "sandbox-hostname", "hostname \"\(command.hostname)\" exceeds 64 bytes")
    }
  }

  private mutating func append(_ tag: Unicode.Scalar, _ text: String) throws(Failure) {
    if text.utf8.contains(0) {
      // The value itself may be a secret.
      throw Failure(.invalidArgument, reason: "sandbox-nul-byte", "an argument or variable has a NUL byte in it")
    }
    bytes.append(UInt8(ascii: tag))
    bytes.append(contentsOf: text.utf8)
    bytes.append(0)
  }

  private mutating func append(_ tag: Unicode.Scalar, _ path: FilePath) throws(Failure) {
    bytes.append(UInt8(ascii: tag))
    path.withPlatformString { pointer in
      bytes.append(contentsOf: UnsafeRawBufferPointer(start: pointer, count: path.length))
    }
    bytes.append(0)
  }
}
