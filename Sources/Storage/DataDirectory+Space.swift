import Diagnostics
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension DataDirectory {
  /// With less than this nothing can be promised any more.
  package static let leastSpace = ByteCount.mebibytes(1)
  /// With less than this somebody should know.
  package static let lowSpace = ByteCount.mebibytes(100)

  /// What the file system still has for this user; nil when it does not say.
  package var freeSpace: ByteCount? {
    var status = statvfs()
    guard root.attempt({ statvfs($0, &status) }).result == 0 else { return nil }
    return ByteCount(Int64(clamping: UInt64(status.f_bavail) &* UInt64(status.f_frsize)))
  }
}
