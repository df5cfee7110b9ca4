import CCompression
import Diagnostics
import Glibc
import SystemPackage

/// An open directory and what is done to the names in it; closed with its last owner.
///
/// Nothing here follows a link at the last step. Names are single components, as bytes without NUL.
package final class DirectoryHandle {
  let descriptor: CInt
  /// For messages only.
  private let path: [UInt8]

  /// Takes over an open descriptor.
  init(owning descriptor: CInt, path: [UInt8]) {
    self.descriptor = descriptor
    self.path = path
  }

  /// Opens a directory of the machine, through links.
  package init(opening path: FilePath, flags: CInt = O_RDONLY) throws(Failure) {
    self.path = path.bytes
    descriptor = try retrying("opened", path) {
      path.withPlatformString { Glibc.open($0, flags | O_DIRECTORY | O_CLOEXEC) }
    }
  }

  deinit { close(descriptor) }

  /// The path of a name in here, for messages.
  func path(of name: [UInt8]) -> FilePath { FilePath(bytes: joined(path, name)) }

  /// The status of a name; nil when there is nothing of that name.
  func status(_ name: [UInt8]) throws(Failure) -> FileStatus? {
    var status = stat()
    let result = withCName(name) { fstatat(descriptor, $0, &status, AT_SYMLINK_NOFOLLOW) }
    if result != 0, errno == ENOENT { return nil }
    try check(result, "examined", name)
    return FileStatus(status)
  }

  /// Whether a name has extended attributes, asked without opening it, of which few files of a context are worth.
  ///
  /// By its path: where another directory has taken the place, opening the name tells.
  func mayHaveAttributes(_ name: [UInt8]) -> Bool { withCName(joined(path, name)) { llistxattr($0, nil, 0) } > 0 }

  /// Opens a name for reading or, with `O_CREAT` among the flags, for making.
  func open(_ name: [UInt8], _ flags: CInt, mode: mode_t = 0) throws(Failure) -> CInt {
    try retrying("opened", path(of: name)) {
      withCName(name) { openat(descriptor, $0, flags | O_NOFOLLOW | O_CLOEXEC, mode) }
    }
  }

  func openDirectory(_ name: [UInt8]) throws(Failure) -> DirectoryHandle {
    DirectoryHandle(owning: try open(name, O_RDONLY | O_DIRECTORY), path: joined(path, name))
  }

  /// The target of a link.
  func readLink(_ name: [UInt8]) throws(Failure) -> FilePath {
    try Self.readLink(descriptor, name, path: path(of: name))
  }

  static func readLink(_ directory: CInt, _ name: [UInt8], path: @autoclosure () -> FilePath) throws(Failure)
    -> FilePath
  {
    let buffer = FixedBuffer(capacity: Int(PATH_MAX))
    let start = buffer.bytes.assumingMemoryBound(to: CChar.self)
    let count = try retrying("read as a link", path()) {
      withCName(name) { name in start.baseAddress.map { readlinkat(directory, name, $0, start.count) } ?? -1 }
    }
    return FilePath(bytes: Array(buffer.view(0..<count)))
  }

  /// All names but `.` and `..`, sorted by their bytes. The handle must be open for reading.
  package func list() throws(Failure) -> [[UInt8]] {
    // The stream owns its descriptor, and ours stays as it is.
    let copy = try retrying("listed", FilePath(bytes: path)) {
      openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }
    guard let stream = fdopendir(copy) else {
      let code = errno
      close(copy)
      throw Failure(errno: code, doing: "listed", path: FilePath(bytes: path))
    }
    defer { closedir(stream) }
    var names: [[UInt8]] = []
    let offset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        if errno != 0 { throw Failure(errno: errno, doing: "listed", path: FilePath(bytes: path)) }
        break
      }
      let start = UnsafeRawPointer(entry) + offset
      let name = UnsafeRawBufferPointer(start: start, count: strlen(start.assumingMemoryBound(to: CChar.self)))
      if name.elementsEqual([0x2E]) || name.elementsEqual([0x2E, 0x2E]) { continue }
      names.append(Array(name))
    }
    return names.sorted(by: precedes)
  }

  /// Removes whatever has this name, with all below it.
  package func remove(_ name: [UInt8]) throws(Failure) {
    if try unlink(name) { return }
    let top = try openDirectory(name)
    var stack = [Removal(directory: top, name: name, names: try top.list())]
    while var level = stack.popLast() {
      if let child = level.names.popLast() {
        let isGone = try level.directory.unlink(child)
        stack.append(level)
        if isGone { continue }
        let directory = try level.directory.openDirectory(child)
        stack.append(Removal(directory: directory, name: child, names: try directory.list()))
        continue
      }
      let parent = stack.last?.directory ?? self
      try parent.check(withCName(level.name) { unlinkat(parent.descriptor, $0, AT_REMOVEDIR) }, "removed", level.name)
    }
  }

  /// A directory that is being emptied, and the names still in it.
  private struct Removal {
    var directory: DirectoryHandle
    var name: [UInt8]
    var names: [[UInt8]]
  }

  /// Removes a name unless it is a directory; returns whether it is gone.
  private func unlink(_ name: [UInt8]) throws(Failure) -> Bool {
    let result = withCName(name) { unlinkat(descriptor, $0, 0) }
    if result == 0 || errno == ENOENT { return true }
    if errno == EISDIR || errno == EPERM, try status(name)?.kind == .directory { return false }
    try check(result, "removed", name)
    return true
  }

  /// Throws what `errno` says when a call's result is not 0.
  func check(_ result: CInt, _ doing: String, _ name: [UInt8]) throws(Failure) {
    if result != 0 { throw Failure(errno: errno, doing: doing, path: path(of: name)) }
  }
}
