import Diagnostics
import OCI
import Synchronization
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A folder whose files are named by the digest of their content; what the blob store and the contexts share.
///
/// New content is written in `uploads`, on the same file system, and renamed into place.
struct DigestFolder: Sendable {
  /// How a digest becomes a place.
  enum Layout: Sendable {
    /// `sha256/<hex>`, as in an OCI image layout.
    case byAlgorithm
    /// `<hex>`.
    case flat
  }

  let root: FilePath
  let uploads: FilePath
  let layout: Layout
  let durability: Durability
  let leases: BlobLeases

  func path(of digest: Digest) -> FilePath {
    switch layout {
    case .byAlgorithm: root.appending(digest.algorithm.rawValue).appending(digest.hex)
    case .flat: root.appending(digest.hex)
    }
  }

  func writer(_ algorithm: Digest.Algorithm) throws(Failure) -> BlobWriter {
    let name = "upload-" + String(UInt64.random(in: .min ... .max), radix: 36)
    return try BlobWriter(algorithm, temporary: uploads.appending(name), folder: self)
  }

  /// Moves a finished temporary file to its name, or removes it when equal content is there.
  func adopt(
    _ temporary: FilePath,
    _ descriptor: FileDescriptor,
    as digest: Digest,
    size: ByteCount,
    durably: Bool
  ) throws(Failure) {
    let target = path(of: digest)
    let mustSync = durably && durability == .durable
    // Of content that is there already the file was most likely synced; where the present one vanishes meanwhile, the new
    // one goes to the disk below.
    let wasSynced = mustSync && target.fileSize != size
    if wasSynced { try descriptor.synchronize(temporary) }
    let isKnown = try leases.bring(digest) { () throws(Failure) in
      // A file of another size was torn by a loss of power before it was synced: the new one takes its place.
      guard target.fileSize == size else {
        try temporary.rename(to: target)
        return false
      }
      try temporary.removeFile()
      target.touch()
      return true
    }
    // The present one may have been committed without a sync.
    if mustSync, isKnown || !wasSynced { try target.synchronize() }
    if mustSync { try target.removingLastComponent().synchronize() }
  }

  func delete(_ digest: Digest) throws(Failure) -> Bool {
    let path = path(of: digest)
    guard path.fileSize != nil else { return false }
    try path.removeFile()
    return true
  }
}
