import Diagnostics
import SystemPackage

#if canImport(Glibc)
  import Glibc
#endif

/// The few operations on the house's own folders that several steps need.
enum FileSystem {
  static func makeDirectory(_ path: FilePath, mode: UInt16 = 0o755) throws(Failure) {
    guard mkdir(path.string, mode_t(mode)) == 0 || errno == EEXIST else { throw failure("make directory", path) }
  }

  static func exists(_ path: FilePath) -> Bool { access(path.string, F_OK) == 0 }

  static func rename(_ from: FilePath, to: FilePath) -> Bool { Glibc.rename(from.string, to.string) == 0 }

  static func write(_ text: String, to path: FilePath, mode: UInt16 = 0o644) throws(Failure) {
    do {
      let file = try FileDescriptor.open(
        path, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: FilePermissions(rawValue: mode_t(mode)))
      try file.closeAfter { _ = try file.writeAll(text.utf8) }
    } catch { throw Failure(wrapping: error, while: "writing '\(path)'") }
  }

  static func setOwnerAndMode(_ path: FilePath, uid: UInt32, gid: UInt32, mode: UInt16) throws(Failure) {
    guard chown(path.string, uid, gid) == 0, chmod(path.string, mode_t(mode)) == 0 else {
      throw failure("set owner and mode of", path)
    }
  }

  /// Removes a tree without following links and without caring for modes; what cannot be removed stays for the next
  /// start, which empties `work/`.
  static func removeTree(_ path: FilePath) {
    nftw(path.string, { path, _, _, _ in path.map { Glibc.remove($0) } ?? 0 }, 64, FTW_DEPTH | FTW_PHYS)
  }

  static func failure(_ doing: String, _ path: FilePath) -> Failure {
    let code = errno
    return Failure(
      code == ENOSPC ? .resourceExhausted : .internal, reason: code == ENOSPC ? "disk-full" : "file-system",
      "cannot \(doing) '\(path)'", cause: String(cString: strerror(code)))
  }
}
