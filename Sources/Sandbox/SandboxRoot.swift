import Diagnostics
import Glibc
import SystemPackage

/// The directories a root is laid over; the caller owns them all.
package struct SandboxRoot: Sendable, Hashable {
  /// The most directories an overlay takes (OVL_MAX_STACK).
  package static let maximumLowers = 500

  /// Unpacked layers, topmost first; never written to. Empty means an empty root.
  package var lowers: [FilePath]
  /// What the command changes; afterwards it is the layer. Its own mode and owner are those of `/` inside.
  package var upper: FilePath
  /// An empty directory on the file system of `upper`, for the kernel alone.
  package var work: FilePath

  package init(lowers: [FilePath], upper: FilePath, work: FilePath) {
    self.lowers = lowers
    self.upper = upper
    self.work = work
  }

  /// Makes `upper`, with the mode and owner of the topmost layer's root, and `work`, where they don't exist.
  package func create() throws(Failure) {
    try Self.makeDirectory(work, mode: 0o700)
    var status = stat()
    guard try Self.makeDirectory(upper, mode: 0o755), let top = lowers.first,
      top.withPlatformString({ stat($0, &status) }) == 0
    else { return }
    let changed = upper.withPlatformString {
      // An owner no id is mapped for can't be given; then `/` stays ours.
      _ = lchown($0, status.st_uid, status.st_gid)
      return chmod($0, status.st_mode & 0o7777)
    }
    guard changed == 0 else { throw Self.failure(upper, doing: "prepared") }
  }

  /// Removes `work` with what the kernel left in it, which no one but root (of the user namespace) can.
  package func removeWork() throws(Failure) {
    try Self.remove(work)
  }

  @discardableResult
  private static func makeDirectory(_ path: FilePath, mode: mode_t) throws(Failure) -> Bool {
    if path.withPlatformString({ mkdir($0, mode) }) == 0 { return true }
    if errno == EEXIST { return false }
    throw failure(path, doing: "made")
  }

  private static func remove(_ path: FilePath) throws(Failure) {
    if path.withPlatformString({ rmdir($0) }) == 0 { return }
    switch errno {
    case ENOENT: return
    case ENOTDIR:
      if path.withPlatformString({ unlink($0) }) != 0 { throw failure(path, doing: "removed") }
    case ENOTEMPTY, EEXIST:
      for name in try names(in: path) { try remove(path.appending(name)) }
      if path.withPlatformString({ rmdir($0) }) != 0 { throw failure(path, doing: "removed") }
    default: throw failure(path, doing: "removed")
    }
  }

  private static func names(in path: FilePath) throws(Failure) -> [FilePath.Component] {
    // The kernel's own directory has no mode bits; an owner without privilege must give himself some.
    _ = path.withPlatformString { chmod($0, 0o700) }
    guard let directory = path.withPlatformString({ opendir($0) }) else { throw failure(path, doing: "read") }
    defer { closedir(directory) }
    var names: [FilePath.Component] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { FilePath.Component(platformString: $0) }
      }
      if let name, name.kind == .regular { names.append(name) }
    }
    return names
  }

  private static func failure(_ path: FilePath, doing verb: String) -> Failure {
    let error = Errno(rawValue: errno)
    return Failure(
      error == .noSpace ? .resourceExhausted : .internal,
      reason: "sandbox-directory",
      "directory \"\(path)\" can't be \(verb)",
      cause: error.description
    )
  }
}
