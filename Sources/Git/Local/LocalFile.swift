import Diagnostics
import Glibc
import SystemPackage

/// Files of a repository on this machine, never reached through a symbolic link of theirs.
enum LocalFile {
  enum Kind { case file, folder, link, other }

  /// What is at the path itself; nil when nothing is.
  static func kind(_ path: FilePath) -> Kind? {
    var status = stat()
    guard path.withPlatformString({ lstat($0, &status) }) == 0 else { return nil }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return .file
    case S_IFDIR: return .folder
    case S_IFLNK: return .link
    default: return .other
    }
  }

  /// Opens a regular file; nil when there is none. A link or device throws `git-repository-unsafe`.
  static func open(_ path: FilePath) throws(Failure) -> OpenFile? {
    switch kind(path) {
    case nil: nil
    case .file: try OpenFile(path, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    case .folder: nil
    case .link, .other: throw LocalLayout.unsafe(path, "'\(path)' is no regular file")
    }
  }

  /// The whole of a small file; nil when there is none.
  static func contents(_ path: FilePath, limit: ByteCount) throws(Failure) -> [UInt8]? {
    guard let file = try open(path) else { return nil }
    let size = try file.size()
    return try StoredObject(kind: .blob, file: path, offset: 0, size: size, digest: nil).contents(limit: limit)
  }

  /// Names in a folder in order, without `.` and `..`; none when there is no such folder.
  static func names(in folder: FilePath) throws(Failure) -> [String] {
    guard kind(folder) == .folder else { return [] }
    guard let stream = folder.withPlatformString({ opendir($0) }) else {
      throw Failure.gitFile(errno, "listed", folder)
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        tuple.withMemoryRebound(to: CChar.self, capacity: 1) { String(validatingCString: $0) }
      }
      if let name, name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }
}
