import Diagnostics
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// One server's claim to a data directory, given up by the kernel when the process ends, however it ends.
///
/// An open-file-description lock: unlike `flock` it can be asked about without being taken, so that a command that
/// only looks never stands in the way of a server that starts.
struct DirectoryLock: Sendable {
  static let name = "lock"
  // `F_OFD_GETLK` and `F_OFD_SETLK`, which the C library hides behind a feature macro.
  #if canImport(Darwin)
    private static let (get, set): (Int32, Int32) = (92, 90)
  #else
    private static let (get, set): (Int32, Int32) = (36, 37)
  #endif

  private let descriptor: FileDescriptor

  /// Nil when somebody else holds it.
  init?(_ path: FilePath) throws(Failure) {
    let descriptor = try path.open(O_RDWR | O_CREAT, mode: 0o600, "opening the lock")
    var region = Self.wholeFile
    while fcntl(descriptor.rawValue, Self.set, &region) == -1 {
      let code = errno
      if code == EINTR { continue }
      try? descriptor.close()
      if code == EAGAIN || code == EACCES { return nil }
      throw Failure.system(code, "locking", path)
    }
    self.descriptor = descriptor
  }

  func release() { try? descriptor.close() }

  static func isHeld(_ path: FilePath) -> Bool {
    guard let descriptor = try? path.open(O_RDWR, "opening the lock") else { return false }
    defer { try? descriptor.close() }
    var region = wholeFile
    return fcntl(descriptor.rawValue, get, &region) == 0 && region.l_type != Int16(F_UNLCK)
  }

  private static var wholeFile: flock {
    var region = flock()
    region.l_type = Int16(F_WRLCK)
    region.l_whence = Int16(SEEK_SET)
    return region
  }
}
