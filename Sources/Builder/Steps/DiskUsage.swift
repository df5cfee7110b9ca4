import Glibc
import SystemPackage

/// What a directory takes on its disk.
enum DiskUsage {
  /// Blocks of everything below, links not followed; nil when it is not there. What comes and goes meanwhile is counted
  /// or not, and what has a name too long for the system is not.
  static func bytes(of directory: FilePath) -> Int64? {
    var status = stat()
    guard lstat(directory.string, &status) == 0 else { return nil }
    var total = Int64(status.st_blocks) * 512
    // In the bytes of the names, which need be no text.
    var open: [[CChar]] = [directory.withPlatformString { Array(UnsafeBufferPointer(start: $0, count: strlen($0))) }]
    while let path = open.popLast() {
      guard let stream = opendir(path + [0]) else { continue }
      defer { closedir(stream) }
      while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
          pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
            Array(UnsafeBufferPointer(start: $0, count: strlen($0)))
          }
        }
        guard name != dot, name != [dot[0], dot[0]],
          fstatat(dirfd(stream), name + [0], &status, AT_SYMLINK_NOFOLLOW) == 0
        else { continue }
        total += Int64(status.st_blocks) * 512
        if status.st_mode & S_IFMT == S_IFDIR { open.append(path + [CChar(UInt8(ascii: "/"))] + name) }
      }
    }
    return total
  }

  private static let dot = [CChar(UInt8(ascii: "."))]
}
