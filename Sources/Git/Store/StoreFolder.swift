import Diagnostics
import Glibc
import SystemPackage

/// What the store does to its own folders, which hold files and one level of folders.
enum StoreFolder {
  /// Makes the folder and what is missing above it, for this user alone unless `mode` says otherwise.
  static func make(_ path: FilePath, mode: mode_t = 0o700) throws(Failure) {
    if path.withPlatformString({ mkdir($0, mode) }) == 0 || errno == EEXIST { return }
    let parent = path.removingLastComponent()
    guard errno == ENOENT, !parent.isEmpty, parent != path else { throw .gitFile(errno, "made", path) }
    try make(parent, mode: mode)
    guard path.withPlatformString({ mkdir($0, mode) }) == 0 || errno == EEXIST else {
      throw .gitFile(errno, "made", path)
    }
  }

  /// Bytes free for this user on the file system that holds the folder.
  @Sendable static func free(_ path: FilePath) throws(Failure) -> ByteCount {
    var status = statvfs()
    try OpenFile.retrying("examined", path) { path.withPlatformString { statvfs($0, &status) } }
    let (bytes, isTooLarge) = Int64(clamping: status.f_bavail).multipliedReportingOverflow(
      by: Int64(clamping: status.f_frsize))
    return ByteCount(isTooLarge ? .max : bytes)
  }

  /// Names in the folder but `.` and `..`; none when it is not there.
  static func names(in path: FilePath) throws(Failure) -> [String] {
    guard let stream = path.withPlatformString({ opendir($0) }) else {
      if errno == ENOENT { return [] }
      throw .gitFile(errno, "listed", path)
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Removes a file or a folder with all in it; links are removed, not followed. What is not there is fine.
  static func remove(_ path: FilePath) throws(Failure) {
    // Folders found on the way; each is removed after everything found later.
    var folders = [path]
    var next = 0
    while next < folders.count {
      let folder = folders[next]
      next += 1
      if folder.withPlatformString({ unlink($0) }) == 0 || errno == ENOENT { continue }
      guard errno == EISDIR || errno == EPERM else { throw .gitFile(errno, "removed", folder) }
      for name in try names(in: folder) {
        let inside = folder.appending(name)
        if inside.withPlatformString({ unlink($0) }) == 0 || errno == ENOENT { continue }
        folders.append(inside)
      }
    }
    for folder in folders.reversed() {
      if folder.withPlatformString({ rmdir($0) }) == 0 || errno == ENOENT { continue }
      // The first unlink took what was a file.
      if errno == ENOTDIR { continue }
      throw .gitFile(errno, "removed", folder)
    }
  }

  /// Bytes of the files in the folder.
  static func size(_ path: FilePath) throws(Failure) -> Int64 {
    var total: Int64 = 0
    for name in try names(in: path) {
      var status = stat()
      if path.appending(name).withPlatformString({ lstat($0, &status) }) == 0 { total += Int64(status.st_size) }
    }
    return total
  }

  static func write(_ text: String, to path: FilePath, mode: mode_t = 0o600) throws(Failure) {
    let file = try OpenFile(path, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
    var text = text
    let failure: Failure? = text.withUTF8 { bytes in
      do throws(Failure) { try file.write(UnsafeRawBufferPointer(bytes), at: 0) } catch { return error }
      return nil
    }
    if let failure { throw failure }
  }

  /// The text of a small file; nil when there is none or it is no text.
  static func read(_ path: FilePath, limit: Int = 1 << 20) throws(Failure) -> String? {
    let file: OpenFile
    do throws(Failure) { file = try OpenFile(path) } catch {
      if error.code == .notFound { return nil }
      throw error
    }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: limit, alignment: 8)
    defer { buffer.deallocate() }
    let count = try file.read(at: 0, into: buffer)
    return String(validating: buffer[..<count], as: UTF8.self)
  }

  static func rename(_ old: FilePath, to new: FilePath) throws(Failure) {
    guard old.withPlatformString({ from in new.withPlatformString { Glibc.rename(from, $0) } }) == 0 else {
      throw .gitFile(errno, "renamed", old)
    }
  }

  /// Sets the time of use, kept as the file's own; failing to costs an eviction too early at worst.
  static func touch(_ path: FilePath) { _ = path.withPlatformString { utimensat(AT_FDCWD, $0, nil, 0) } }

  /// Nanoseconds of the last `touch`.
  static func timeOfUse(_ path: FilePath) -> Int64 {
    var status = stat()
    guard path.withPlatformString({ lstat($0, &status) }) == 0 else { return 0 }
    return Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
  }
}
