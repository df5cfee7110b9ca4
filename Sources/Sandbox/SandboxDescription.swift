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
    if command.isPrivileged { try append("P", "") }
    for mount in command.mounts { try append(mount) }
  }

  init(_ command: ResidentCommand, inUserNamespace: Bool) throws(Failure) {
    try Self.check(command.arguments, layers: command.lowers.count, hostname: command.hostname)
    for lower in command.lowers { try append("l", lower) }
    try append("T", "\(command.rootSize.bytes)")
    try append("m", command.mountPoint)
    for argument in command.arguments { try append("a", argument) }
    for variable in command.environment { try append("e", variable) }
    try append("c", command.workingDirectory)
    try append("h", command.hostname)
    try append("Y", command.user)
    try append("S", "\(min(command.limits.openFiles, command.limits.openFilesMaximum))")
    try append("H", "\(command.limits.openFilesMaximum)")
    try append("C", "\(max(0, command.limits.coreSize.bytes))")
    try append("M", "\(command.limits.umask & 0o777)")
    if let data = command.dataSize { try append("D", "\(data.bytes)") }
    if let processes = command.processes { try append("F", "\(processes)") }
    for directory in command.controlGroups { try append("v", directory) }
    if let events = command.memoryEvents { try append("V", events) }
    try append("E", "")
    try append("N", "")
    if inUserNamespace { try append("x", "") }
    if command.isRootReadOnly { try append("R", "") }
    if command.isStrict { try append("A", "") }
    if command.asksToConnect { try append("B", "") }
    for mount in command.mounts { try append(mount) }
  }

  private mutating func append(_ mount: SandboxMount) throws(Failure) {
    switch mount.source {
    case .bind(let source): try append("b", source)
    case .memory(let size):
      try append("f", "")
      if let size { try append("z", "\(size.bytes)") }
    case .ownMemory(let size):
      try append("f", "")
      try append("z", "\(size.bytes)")
      try append("O", "")
    case .layers(let root, let path):
      try append("o", "")
      for lower in root.lowers { try append("L", lower) }
      try append("K", root.upper)
      try append("W", root.work)
      try append("p", path)
    case .content(let value, let owner, let mode):
      appendHexadecimal("s", value.bytes)
      try append("i", "\(owner.uid)")
      try append("j", "\(owner.gid)")
      try append("n", "\(mode & 0o7777)")
    }
    try append("t", mount.target)
    if mount.readOnly { try append("r", "") }
  }

  /// In digits, as a record ends at the first NUL.
  private mutating func appendHexadecimal(_ tag: Unicode.Scalar, _ value: [UInt8]) {
    let digits = Array("0123456789abcdef".utf8)
    bytes.append(UInt8(ascii: tag))
    for byte in value {
      bytes.append(digits[Int(byte >> 4)])
      bytes.append(digits[Int(byte & 15)])
    }
    bytes.append(0)
  }

  private static func check(_ command: SandboxCommand) throws(Failure) {
    var deepest = command.root.lowers.count
    for case .layers(let root, _) in command.mounts.map(\.source) {
      deepest = max(deepest, root.lowers.count)
      if root.lowers.isEmpty {
        throw Failure(.invalidArgument, reason: "sandbox-mount", "mount of layers has none")
      }
    }
    try check(command.arguments, layers: deepest, hostname: command.hostname)
    if command.mounts.count > 256 {
      throw Failure(.invalidArgument, reason: "sandbox-too-many-mounts", "command has more than 256 mounts")
    }
  }

  private static func check(_ arguments: [String], layers: Int, hostname: String) throws(Failure) {
    if arguments.isEmpty {
      throw Failure(.invalidArgument, reason: "sandbox-command-empty", "command has no words")
    }
    if layers > SandboxRoot.maximumLowers {
      throw Failure(
        .failedPrecondition,
        reason: "sandbox-too-many-layers",
        "root of \(layers) layers is more than the \(SandboxRoot.maximumLowers) the kernel stacks",
        hint: "join instructions, or build with --single-snapshot"
      )
    }
    if hostname.utf8.count > 64 {
      throw Failure(.invalidArgument, reason: "sandbox-hostname", "hostname \"\(hostname)\" exceeds 64 bytes")
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
