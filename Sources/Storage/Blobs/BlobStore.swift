import Diagnostics
import OCI
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Content by digest, in the folder `oci`: an OCI image layout other tools can open.
///
/// Builder and registry share it; who may see a blob is the ledger's business.
package final class BlobStore: Sendable {
  let folder: DigestFolder
  /// What no collection may take.
  package let leases: BlobLeases
  /// The folder `oci` itself.
  let layout: FilePath
  /// What a scrub set aside.
  let quarantine: FilePath

  init(
    root: FilePath, uploads: FilePath, quarantine: FilePath, durability: Durability, clock: WallClock
  ) throws(Failure) {
    leases = BlobLeases(clock: clock)
    layout = root
    self.quarantine = quarantine
    folder = DigestFolder(
      root: root.appending("blobs"),
      uploads: uploads,
      layout: .byAlgorithm,
      durability: durability,
      leases: leases
    )
    for algorithm in Digest.Algorithm.allCases {
      try folder.root.appending(algorithm.rawValue).makeDirectory()
    }
    try Self.write(#"{"imageLayoutVersion":"1.0.0"}"#, to: root.appending("oci-layout"), durability)
  }

  /// Where the blob's file is or would be, for readers that want a path.
  package func path(of digest: Digest) -> FilePath { folder.path(of: digest) }

  package func contains(_ digest: Digest) -> Bool { size(of: digest) != nil }

  /// Nil when there is no such blob.
  package func size(of digest: Digest) -> ByteCount? { path(of: digest).fileSize }

  /// Opens the blob for reading; the caller closes it. Throws `blob-unknown`.
  package func open(_ digest: Digest) throws(Failure) -> FileDescriptor {
    let path = path(of: digest)
    guard path.fileSize != nil else {
      throw Failure(.notFound, reason: "blob-unknown", "blob '\(digest)' is not here")
    }
    return try path.open(O_RDONLY, "opening a blob")
  }

  /// The whole of a small blob. Throws `blob-unknown`, or `file-too-large` beyond `limit`.
  package func bytes(of digest: Digest, limit: ByteCount) throws(Failure) -> [UInt8] {
    let descriptor = try open(digest)
    defer { try? descriptor.close() }
    return try descriptor.readAll(limit: limit, of: path(of: digest))
  }

  /// Says that the blob will be needed and was used now, and whether it is here: until its user's hold ends, and an hour
  /// without one, no collection takes it.
  package func keep(_ digest: Digest) -> Bool {
    guard contains(digest), leases.touch(digest), contains(digest) else { return false }
    path(of: digest).touch()
    return true
  }

  /// Begins a blob. `algorithm` is the one its final digest is expected in.
  package func writer(_ algorithm: Digest.Algorithm = .sha256) throws(Failure) -> BlobWriter {
    try folder.writer(algorithm)
  }

  /// Stores a small blob at hand.
  @discardableResult
  package func put(
    _ bytes: [UInt8],
    _ algorithm: Digest.Algorithm = .sha256,
    durably: Bool = true
  ) throws(Failure) -> Digest {
    let writer = try writer(algorithm)
    try writer.write(bytes)
    return try writer.commit(durably: durably).0
  }

  /// Forces blobs that were committed with `durably: false` to the disk; call it before they are acknowledged.
  /// Throws `blob-unknown`, also where nothing is ever forced.
  package func makeDurable(_ digests: some Sequence<Digest>) throws(Failure) {
    var folders: Set<FilePath> = []
    for digest in digests {
      let descriptor = try open(digest)
      defer { try? descriptor.close() }
      guard folder.durability == .durable else { continue }
      let path = path(of: digest)
      try descriptor.synchronize(path)
      folders.insert(path.removingLastComponent())
    }
    for folder in folders { try folder.synchronize() }
  }

  private static func write(_ text: String, to path: FilePath, _ durability: Durability) throws(Failure) {
    guard path.fileSize != ByteCount(Int64(text.utf8.count)) else { return }
    try path.replaceContents(with: text.utf8, durability: durability)
  }
}
