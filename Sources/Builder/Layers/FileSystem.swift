import Diagnostics
import Glibc
import SystemPackage

/// The few operations on the house's own folders that the steps need.
enum FileSystem {
  static func makeDirectory(_ path: FilePath) throws(Failure) {
    guard mkdir(path.string, 0o755) == 0 || errno == EEXIST else { throw failure(errno, "make directory", path) }
  }

  static func exists(_ path: FilePath) -> Bool { access(path.string, F_OK) == 0 }

  /// False when something stands at `target` already, or the two are on different file systems.
  static func rename(_ path: FilePath, to target: FilePath) -> Bool { Glibc.rename(path.string, target.string) == 0 }

  static func write(
    _ text: String, to path: FilePath, mode: FilePermissions = [.ownerReadWrite, .groupRead, .otherRead]
  )
    throws(Failure)
  {
    do {
      let file = try FileDescriptor.open(
        path, .writeOnly, options: [.create, .truncate, .closeOnExec], permissions: mode)
      try file.closeAfter { _ = try file.writeAll(text.utf8) }
    } catch let error as Errno {
      throw failure(error.rawValue, "write", path)
    } catch { throw Failure(wrapping: error, while: "writing '\(path)'") }
  }

  private static func failure(_ code: Int32, _ doing: String, _ path: FilePath) -> Failure {
    let isFull = code == ENOSPC
    return Failure(
      isFull ? .resourceExhausted : .internal, reason: isFull ? "disk-full" : "file-system",
      "cannot \(doing) '\(path)'", hint: isFull ? "make space on the disk of the data directory" : nil,
      cause: Errno(rawValue: code).description)
  }
}
