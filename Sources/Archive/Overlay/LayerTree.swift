import CCompression
import Diagnostics
import Glibc
import SystemPackage

/// The directory a layer is unpacked into, while it is.
///
/// Parents are opened by openat2(2) inside the root and kept open, so that a file costs no look-up of its path.
/// What is at the last step is never followed.
final class LayerTree {
  private let root: RootDirectory
  private let xattrs: OverlayXattrs
  private let buffer = FixedBuffer(capacity: 256 << 10)
  /// Open parents by path. A link or directory that is removed may have been part of any of them: then all go.
  private var parents: [[UInt8]: DirectoryHandle] = [:]
  private var directoryTimes: [FilePath: FileTime] = [:]

  private static let parentsKept = 128

  init(root: FilePath, xattrs: OverlayXattrs) throws(Failure) {
    self.root = try RootDirectory(root)
    self.xattrs = xattrs
  }

  /// Makes one entry; false when it is a device that a user namespace may not make.
  func add(_ entry: TarEntry, body: any ByteReader) throws(Failure) -> Bool {
    var parentPath = entry.path.bytes
    let name = Self.popLast(&parentPath)
    if name.isEmpty {
      try finishDirectory(try handle([]), [], entry)
    } else if WhiteoutName.mayOccur(in: entry.path) {
      if WhiteoutName.isBookkeeping(parentPath) { return true }
      switch try WhiteoutName(name) {
      case .bookkeeping: break
      case .opaque: try makeOpaque(try handle(parentPath), [UInt8(ascii: ".")])
      case .removes(let removed): try makeWhiteout(try handle(parentPath), removed)
      case .none: return try make(entry, in: try handle(parentPath), name: name, body: body)
      }
    } else {
      return try make(entry, in: try handle(parentPath), name: name, body: body)
    }
    return true
  }

  /// Makes one entry that is no whiteout, whatever its name is.
  func place(_ entry: TarEntry, body: any ByteReader) throws(Failure) {
    var parentPath = entry.path.bytes
    let name = Self.popLast(&parentPath)
    if name.isEmpty { return try finishDirectory(try handle([]), [], entry) }
    _ = try make(entry, in: try handle(parentPath), name: name, body: body)
  }

  /// Sets the times of all directories, which making files in them had changed.
  func setDirectoryTimes() throws(Failure) {
    for (path, time) in directoryTimes {
      var parentPath = path.bytes
      let last = Self.popLast(&parentPath)
      let name = last.isEmpty ? [UInt8(ascii: ".")] : last
      // A later entry may have put something else in the directory's place.
      guard let parent = try? handle(parentPath, making: false), try parent.status(name)?.kind == .directory else {
        continue
      }
      try setTime(parent, name, time)
    }
  }

  private func make(
    _ entry: TarEntry,
    in parent: DirectoryHandle,
    name: [UInt8],
    body: any ByteReader
  ) throws(Failure) -> Bool {
    switch entry.kind {
    case .directory: try makeDirectory(entry, in: parent, name)
    case .file: try makeFile(entry, in: parent, name, body)
    case .symlink(let target):
      try replacing(parent, name) {
        target.withPlatformString { text in
          withCName(name) { symlinkat(text, parent.descriptor, $0) }
        }
      }
      try setOwner(parent, name, entry)
      try setTime(parent, name, entry.mtime)
    case .hardLink(let target): try makeHardLink(entry, to: target, in: parent, name)
    case .characterDevice(let major, let minor):
      return try makeNode(entry, S_IFCHR, gnu_dev_makedev(major, minor), in: parent, name)
    case .blockDevice(let major, let minor):
      return try makeNode(entry, S_IFBLK, gnu_dev_makedev(major, minor), in: parent, name)
    case .fifo: return try makeNode(entry, S_IFIFO, 0, in: parent, name)
    }
    return true
  }

  private func makeDirectory(_ entry: TarEntry, in parent: DirectoryHandle, _ name: [UInt8]) throws(Failure) {
    var hidesLower = false
    if withCName(name, { mkdirat(parent.descriptor, $0, 0o700) }) != 0 {
      guard errno == EEXIST, let status = try parent.status(name) else {
        throw Failure(errno: errno, doing: "made", path: entry.path)
      }
      if status.kind != .directory {
        // Removed below and made anew in the same layer: what was in the old directory must stay away.
        hidesLower = status.isWhiteout
        try replacing(parent, name) { withCName(name) { mkdirat(parent.descriptor, $0, 0o700) } }
      }
    }
    if hidesLower { try makeOpaque(parent, name) }
    try finishDirectory(parent, name, entry)
  }

  private func finishDirectory(_ parent: DirectoryHandle, _ name: [UInt8], _ entry: TarEntry) throws(Failure) {
    guard entry.kind == .directory else { throw .archiveCorrupt("layer has a root that is no directory") }
    let directory = try parent.openDirectory(name.isEmpty ? [UInt8(ascii: ".")] : name)
    try setOwnerModeAttributes(directory.descriptor, entry)
    directoryTimes[entry.path] = entry.mtime
  }

  private func makeFile(
    _ entry: TarEntry,
    in parent: DirectoryHandle,
    _ name: [UInt8],
    _ body: any ByteReader
  ) throws(Failure) {
    let descriptor = try replacing(parent, name) {
      withCName(name) {
        openat(parent.descriptor, $0, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
      }
    }
    defer { close(descriptor) }
    while true {
      let count = try body.read(into: buffer.bytes)
      if count == 0 { break }
      var rest = buffer.view(0..<count)
      while !rest.isEmpty {
        let written = try retrying("written", entry.path) { write(descriptor, rest.baseAddress, rest.count) }
        rest = UnsafeRawBufferPointer(rebasing: rest[written...])
      }
    }
    try setOwnerModeAttributes(descriptor, entry)
    let times = Self.times(entry.mtime)
    try retrying("given its time", entry.path) { futimens(descriptor, times) }
  }

  private func makeHardLink(
    _ entry: TarEntry,
    to target: FilePath,
    in parent: DirectoryHandle,
    _ name: [UInt8]
  ) throws(Failure) {
    var targetParentPath = target.bytes
    let targetName = Self.popLast(&targetParentPath)
    guard !targetName.isEmpty,
      let targetParent = try? handle(targetParentPath, making: false), let status = try targetParent.status(targetName)
    else { throw .archiveCorrupt("layer has the hard link '\(entry.path)' to '\(target)', which is not in it") }
    guard status.kind != .directory else {
      throw .archiveCorrupt("layer has the hard link '\(entry.path)' to the directory '\(target)'")
    }
    // GNU tar writes a link to itself for a file it is told to archive twice.
    if target == entry.path { return }
    try replacing(parent, name) {
      withCName(targetName) { from in
        withCName(name) { linkat(targetParent.descriptor, from, parent.descriptor, $0, 0) }
      }
    }
  }

  private func makeNode(
    _ entry: TarEntry,
    _ kind: mode_t,
    _ device: dev_t,
    in parent: DirectoryHandle,
    _ name: [UInt8]
  ) throws(Failure) -> Bool {
    do throws(Failure) {
      try replacing(parent, name) { withCName(name) { mknodat(parent.descriptor, $0, kind | 0o600, device) } }
    } catch {
      if xattrs == .user, kind != S_IFIFO, error.code == .permissionDenied { return false }
      throw error
    }
    try setOwner(parent, name, entry)
    // Made just now by us, so there is no link to follow.
    try parent.check(
      withCName(name) { fchmodat(parent.descriptor, $0, mode_t(entry.mode), 0) },
      "given its mode",
      name
    )
    try setTime(parent, name, entry.mtime)
    return true
  }
}

// MARK: - Whiteouts

extension LayerTree {
  private func makeWhiteout(_ parent: DirectoryHandle, _ name: [UInt8]) throws(Failure) {
    if withCName(name, { mknodat(parent.descriptor, $0, S_IFCHR, gnu_dev_makedev(0, 0)) }) == 0 { return }
    guard errno == EEXIST, let status = try parent.status(name) else {
      throw Failure(errno: errno, doing: "marked as removed", path: parent.path(of: name))
    }
    // The layer brings the name itself: only what a directory below would mix in has to go.
    if status.kind == .directory { try makeOpaque(parent, name) }
  }

  private func makeOpaque(_ parent: DirectoryHandle, _ name: [UInt8]) throws(Failure) {
    let directory = try parent.openDirectory(name)
    try ExtendedAttributes.set(
      xattrs.opaque,
      [UInt8(ascii: "y")],
      on: directory.descriptor,
      path: parent.path(of: name)
    )
  }
}

// MARK: - Parents

extension LayerTree {
  /// The directory of a path inside the root, made with its own parents when it is missing.
  private func handle(_ path: [UInt8], making: Bool = true) throws(Failure) -> DirectoryHandle {
    if let known = parents[path] { return known }
    let file = FilePath(bytes: path)
    let descriptor: CInt
    do throws(Failure) {
      descriptor = try root.descriptor(for: file, flags: kindling_o_path | O_DIRECTORY)
    } catch {
      guard making, error.reason == "file-not-found", !path.isEmpty else { throw error }
      descriptor = try makeParent(path)
    }
    if parents.count >= Self.parentsKept { parents = [:] }
    let handle = DirectoryHandle(owning: descriptor, path: path)
    parents[path] = handle
    return handle
  }

  private func makeParent(_ path: [UInt8]) throws(Failure) -> CInt {
    // From the top, one by one: a path of thousands of names must not cost thousands of stack frames.
    var prefix: [UInt8] = []
    do throws(Failure) {
      for part in path.split(separator: UInt8(ascii: "/")) {
        try makeImpliedDirectory(try handle(prefix, making: false), Array(part))
        prefix = joined(prefix, Array(part))
      }
      return try root.descriptor(for: FilePath(bytes: path), flags: kindling_o_path | O_DIRECTORY)
    } catch {
      guard error.reason == "file-not-found" else { throw error }
      throw .archiveCorrupt(
        "layer has entries below '\(FilePath(bytes: path))', which is no directory in it",
        cause: error.cause
      )
    }
  }

  /// Makes a directory the layer has no entry for, unless something is there already.
  private func makeImpliedDirectory(_ parent: DirectoryHandle, _ name: [UInt8]) throws(Failure) {
    // Replaces a whiteout of the same layer, as an entry for the directory would.
    let hidesLower = try parent.status(name)?.isWhiteout == true
    if hidesLower { try parent.remove(name) }
    if withCName(name, { mkdirat(parent.descriptor, $0, 0o755) }) != 0 {
      if errno == EEXIST { return }
      throw Failure(errno: errno, doing: "made", path: parent.path(of: name))
    }
    // The process's own mask must not show in images.
    try parent.check(withCName(name) { fchmodat(parent.descriptor, $0, 0o755, 0) }, "given its mode", name)
    if hidesLower { try makeOpaque(parent, name) }
  }

  /// Makes something by `call`, and if the name is taken, removes what has it and makes it again.
  @discardableResult
  private func replacing(_ parent: DirectoryHandle, _ name: [UInt8], _ call: () -> CInt) throws(Failure) -> CInt {
    let result = call()
    if result >= 0 { return result }
    guard errno == EEXIST else { throw Failure(errno: errno, doing: "made", path: parent.path(of: name)) }
    if let status = try parent.status(name), status.kind == .directory || status.kind == .symlink { parents = [:] }
    try parent.remove(name)
    return try retrying("made", parent.path(of: name), call)
  }

  /// Cuts the last name off a path and returns it.
  private static func popLast(_ path: inout [UInt8]) -> [UInt8] {
    guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else {
      defer { path = [] }
      return path
    }
    defer { path.removeSubrange(slash...) }
    return Array(path[(slash + 1)...])
  }
}

// MARK: - Owner, mode, times, attributes

extension LayerTree {
  /// In this order: changing the owner clears setuid bits and capabilities.
  private func setOwnerModeAttributes(_ descriptor: CInt, _ entry: TarEntry) throws(Failure) {
    guard fchown(descriptor, entry.uid, entry.gid) == 0 else { throw Self.ownerFailure(errno, entry) }
    try retrying("given its mode", entry.path) { fchmod(descriptor, mode_t(entry.mode)) }
    for (name, value) in entry.xattrs where ExtendedAttributes.isPortable(name) {
      do throws(Failure) {
        try ExtendedAttributes.set(name, value, on: descriptor, path: entry.path)
      } catch  where error.cause == Self.unsupported {
        // Docker: a file system without attributes is taken as it is.
        continue
      }
    }
  }

  private func setOwner(_ parent: DirectoryHandle, _ name: [UInt8], _ entry: TarEntry) throws(Failure) {
    let result = withCName(name) { fchownat(parent.descriptor, $0, entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) }
    guard result == 0 else { throw Self.ownerFailure(errno, entry) }
  }

  private func setTime(_ parent: DirectoryHandle, _ name: [UInt8], _ time: FileTime) throws(Failure) {
    let times = Self.times(time)
    let result = withCName(name) { utimensat(parent.descriptor, $0, times, AT_SYMLINK_NOFOLLOW) }
    try parent.check(result, "given its time", name)
  }

  private static let unsupported = String(cString: strerror(ENOTSUP))

  private static func times(_ time: FileTime) -> [timespec] {
    let time = timespec(tv_sec: Int(time.seconds), tv_nsec: Int(time.nanoseconds))
    return [time, time]
  }

  private static func ownerFailure(_ code: CInt, _ entry: TarEntry) -> Failure {
    guard code == EPERM || code == EINVAL else {
      return Failure(errno: code, doing: "given its owner", path: entry.path)
    }
    return Failure(
      .permissionDenied,
      reason: "layer-owner",
      "file '\(entry.path)' cannot be given to user \(entry.uid) and group \(entry.gid)",
      hint: "run as root, or give this user ranges in /etc/subuid and /etc/subgid",
      cause: String(cString: strerror(code))
    )
  }
}
