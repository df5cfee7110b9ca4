import Diagnostics
import OCI
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

extension DataDirectory {
  /// Builds want this much free, or a tenth of a smaller disk.
  private static let wantedSpace = ByteCount.mebibytes(2048)

  /// What is missing to the space that a build wants; nil when there is enough.
  package var missingSpace: ByteCount? {
    var status = statvfs()
    guard root.attempt({ statvfs($0, &status) }).result == 0 else { return nil }
    let free = Int64(clamping: UInt64(status.f_bavail) &* UInt64(status.f_frsize))
    let whole = Int64(clamping: UInt64(status.f_blocks) &* UInt64(status.f_frsize))
    let wanted = min(Self.wantedSpace.bytes, whole / 10)
    return free < wanted ? ByteCount(wanted - free) : nil
  }

  /// The layers that are unpacked on the disk, by the digests of their blobs.
  package func unpackedLayers() throws(Failure) -> [Digest] {
    try path(.layers).entries().compactMap { Digest(folderName: $0) }
  }

  /// Removes a layer's folder, whose blob is gone.
  package func removeUnpackedLayer(_ digest: Digest) throws(Failure) {
    let gone = path(.work).appending("gone-" + String(UInt64.random(in: .min ... .max), radix: 36))
    let folder = path(.layers).appending(digest.folderName)
    let isTaken = try blobs.leases.take(digest) { () throws(Failure) in
      if folder.isDirectory { try folder.rename(to: gone) }
    }
    if isTaken { try FileTree.remove(gone) }
  }
}
