import Diagnostics
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Directories with everything below them, as builds leave them: deep, with names that are no UTF-8, with modes
/// that forbid even their owner.
package enum FileTree {
  /// Removes the directory or file; a missing one is fine.
  ///
  /// Symbolic links are removed, never followed. A mount point inside is not entered: removing what is mounted there
  /// would remove somebody else's files. Throws `directory-mounted` then.
  package static func remove(_ path: FilePath) throws(Failure) {
    guard let name = path.lastComponent else { return }
    let parent = path.removingLastComponent()
    let directory = parent.isEmpty ? FilePath(".") : parent
    try refuseMounts(below: path)
    let descriptor = try directory.open(O_RDONLY | O_DIRECTORY, "opening a directory")
    defer { try? descriptor.close() }
    var removal = Removal(top: descriptor.rawValue, path: directory)
    let bytes = name.withPlatformString { Array(UnsafeBufferPointer(start: $0, count: strlen($0) + 1)) }
    try removal.remove(bytes, in: descriptor.rawValue, depth: 0)
    try removal.removeMoved()
  }

  /// Removes everything in the directory, but not the directory.
  package static func empty(_ path: FilePath) throws(Failure) {
    try refuseMounts(below: path)
    let descriptor = try path.open(O_RDONLY | O_DIRECTORY, "opening a directory")
    defer { try? descriptor.close() }
    var removal = Removal(top: descriptor.rawValue, path: path)
    try removal.removeEntries(of: descriptor.rawValue, depth: 0)
    try removal.removeMoved()
  }

  private static func refuseMounts(below path: FilePath) throws(Failure) {
    guard let table = try? FilePath("/proc/self/mountinfo").readStream(),
      let real = path.withPlatformString({ realpath($0, nil) })
    else { return }
    defer { free(real) }
    let root = FilePath(platformString: real)
    for line in table.split(separator: 0x0a) {
      let fields = line.split(separator: 0x20, maxSplits: 5)
      guard fields.count > 4 else { continue }
      let mount = FilePath(unescaped(fields[4]))
      // What is mounted at the directory itself may be emptied, and refuses to be removed.
      guard mount.starts(with: root), mount != root else { continue }
      throw Failure(
        .failedPrecondition,
        reason: "directory-mounted",
        "'\(mount)' is a mount point and was left alone",
        hint: "unmount it: umount \(mount)"
      )
    }
  }

  /// Spaces, tabs, line ends and backslashes stand as three octal digits in the table (proc_pid_mountinfo(5)).
  private static func unescaped(_ field: some Collection<UInt8>) -> String {
    var bytes: [UInt8] = []
    var rest = Array(field)[...]
    while let byte = rest.popFirst() {
      if byte == 0x5c, rest.count >= 3, let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8) {
        bytes.append(code)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// One removal: walks by descriptors, so that no path is ever too long and no link is followed.
private struct Removal {
  /// Open descriptors are one a level; deeper directories are first moved up to the top.
  static let deepest = 64
  let top: Int32
  let path: FilePath
  /// Names in `top` of directories that were moved up.
  private var moved: [[CChar]] = []
  private var count = 0

  init(top: Int32, path: FilePath) {
    self.top = top
    self.path = path
  }

  mutating func removeMoved() throws(Failure) {
    while let name = moved.popLast() { try remove(name, in: top, depth: 0) }
  }

  mutating func remove(_ name: [CChar], in parent: Int32, depth: Int) throws(Failure) {
    if unlinkat(parent, name, 0) == 0 || errno == ENOENT { return }
    // Linux says EISDIR for a directory, POSIX and macOS EPERM.
    guard errno == EISDIR || errno == EPERM else { throw Failure.system(errno, "removing", path) }
    if unlinkat(parent, name, AT_REMOVEDIR) == 0 { return }
    guard errno == ENOTEMPTY || errno == EEXIST else { throw failure(errno, name) }
    if depth >= Self.deepest { return try moveUp(name, from: parent) }
    let directory = try openDirectory(name, in: parent)
    defer { close(directory) }
    try removeEntries(of: directory, depth: depth + 1)
    guard unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT else { throw failure(errno, name) }
  }

  mutating func removeEntries(of directory: Int32, depth: Int) throws(Failure) {
    for name in try names(in: directory) { try remove(name, in: directory, depth: depth) }
  }

  private mutating func moveUp(_ name: [CChar], from parent: Int32) throws(Failure) {
    count += 1
    let new = ".removing-\(getpid())-\(count)"
    guard renameat(parent, name, top, new) == 0 else { throw failure(errno, name) }
    moved.append(Array(new.utf8CString))
  }

  private func openDirectory(_ name: [CChar], in parent: Int32) throws(Failure) -> Int32 {
    let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
    var directory = openat(parent, name, flags)
    if directory < 0, errno == EACCES, fchmodat(parent, name, 0o700, 0) == 0 {
      directory = openat(parent, name, flags)
    }
    guard directory >= 0 else { throw failure(errno, name) }
    // Entries of a directory without write permission cannot be removed by a plain user.
    fchmod(directory, 0o700)
    return directory
  }

  private func names(in directory: Int32) throws(Failure) -> [[CChar]] {
    let copy = fcntl(directory, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { throw Failure.system(errno, "listing", path) }
    guard let stream = fdopendir(copy) else {
      close(copy)
      throw Failure.system(errno, "listing", path)
    }
    defer { closedir(stream) }
    var names: [[CChar]] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        tuple.withMemoryRebound(to: CChar.self, capacity: 1) {
          Array(UnsafeBufferPointer(start: $0, count: strlen($0) + 1))
        }
      }
      if name != [0x2e, 0] && name != [0x2e, 0x2e, 0] { names.append(name) }
    }
    return names
  }

  private func failure(_ code: Int32, _ name: [CChar]) -> Failure {
    let place = path.appending(String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
    return Failure.system(code, "removing", place)
  }
}
