import Diagnostics
import OCI
import Storage
import Synchronization
import SystemPackage

/// The registry: OCI distribution semantics over the data directory, without a word of HTTP.
///
/// A blob is stored once and can be seen only in the repositories it was pushed or mounted to. Who may touch which
/// repository is the door's business. Calls block on the disk; reads of what is in memory do not.
package final class ImageRegistry: Sendable {
  let data: DataDirectory
  let cache = RegistryCache()
  let uploads: UploadSessions

  let layout: LayoutUpkeep
  let collecting = Mutex(false)

  package init(data: DataDirectory) {
    self.data = data
    layout = LayoutUpkeep(data: data)
    // A server that was killed may have left it behind.
    layout.changed()
    uploads = UploadSessions(blobs: data.blobs, clock: data.clock)
  }

  // MARK: Blobs

  /// Opens a blob of the repository for reading; throws `blob-unknown`.
  package func blob(_ digest: Digest, in repository: Repository) throws(Failure) -> BlobHandle {
    let size = try size(of: digest, in: repository)
    return BlobHandle(digest: digest, size: size, descriptor: try data.blobs.open(digest))
  }

  /// The whole of a small blob of the repository, such as a config; throws `blob-unknown` and `file-too-large`.
  package func bytes(of digest: Digest, in repository: Repository, limit: ByteCount) throws(Failure) -> [UInt8] {
    try requireBlob(digest, in: repository)
    return try data.blobs.bytes(of: digest, limit: limit)
  }

  /// Takes the blob out of the repository; throws `blob-unknown`. The bytes stay for other repositories and for the
  /// step cache.
  package func deleteBlob(_ digest: Digest, in repository: Repository) throws(Failure) {
    let wasThere = try data.ledger.unlinkBlob(digest, from: repository)
    cache.forgetBlob(digest, in: repository)
    guard wasThere else { throw Self.unknownBlob(digest, repository) }
  }

  /// Makes a blob of `source` visible in `target` too; without a source, one of any repository of the same owner.
  /// False when there is none, so that it has to be uploaded.
  package func mount(
    _ digest: Digest,
    from source: Repository?,
    into target: Repository
  ) throws(Failure) -> Bool {
    let hold = data.blobs.leases.hold()
    defer { hold.release() }
    // A name that is seen after the touch stays until the new one is written.
    guard try isMountable(digest, from: source, into: target), data.blobs.leases.touch(digest, in: source),
      try isMountable(digest, from: source, into: target), data.blobs.contains(digest)
    else { return false }
    try data.ledger.linkBlob(digest, to: target, at: data.clock.now())
    return true
  }

  private func isMountable(
    _ digest: Digest, from source: Repository?, into target: Repository
  ) throws(Failure) -> Bool {
    guard let source else { return try data.ledger.hasBlob(digest, inAnyRepositoryOf: target.owner) }
    return try data.ledger.hasBlob(digest, in: source)
  }

  /// A blob's size in a repository it was pushed or mounted to; throws `blob-unknown` for every other one.
  package func size(of digest: Digest, in repository: Repository) throws(Failure) -> ByteCount {
    try requireBlob(digest, in: repository)
    guard let size = data.blobs.size(of: digest) else { throw missingContent(digest, repository) }
    return size
  }

  /// Whoever is told that the blob is there relies on it, so that it has to stay for a while.
  private func requireBlob(_ digest: Digest, in repository: Repository) throws(Failure) {
    let leases = data.blobs.leases
    if cache.knowsBlob(digest, in: repository), leases.touch(digest, in: repository),
      // A collection that came in between has made the cache forget it.
      cache.knowsBlob(digest, in: repository)
    {
      return
    }
    let generation = cache.generation
    guard try data.ledger.hasBlob(digest, in: repository), leases.touch(digest, in: repository),
      try data.ledger.hasBlob(digest, in: repository)
    else { throw Self.unknownBlob(digest, repository) }
    cache.rememberBlob(digest, in: repository, generation: generation)
  }

  /// For a blob that the ledger knows and whose file is not there.
  private func missingContent(_ digest: Digest, _ repository: Repository) -> Failure {
    var failure = Self.unknownBlob(digest, repository)
    if data.blobs.isSetAside(digest) {
      failure.message = "blob '\(digest)' was damaged on the disk and set aside"
      failure.hint = "push it again"
    }
    return failure
  }

  static func unknownBlob(_ digest: Digest, _ repository: Repository) -> Failure {
    Failure(.notFound, reason: "blob-unknown", "blob '\(digest)' is not in repository '\(repository)'")
  }

  // MARK: Uploads

  /// Begins an upload; `algorithm` is that of the digest it will have, when that is known.
  package func startUpload(
    in repository: Repository,
    algorithm: Digest.Algorithm = .sha256
  ) throws(Failure) -> UploadID {
    try uploads.start(in: repository, algorithm: algorithm)
  }

  /// Bytes received so far, which is where the next chunk begins; throws `upload-unknown`.
  package func uploadOffset(_ id: UploadID, in repository: Repository) throws(Failure) -> Int64 {
    try uploads.offset(of: id, in: repository)
  }

  /// Throws `range-invalid` unless the upload stands at `offset`; it can go on afterwards.
  package func checkOffset(_ offset: Int64, of id: UploadID, in repository: Repository) throws(Failure) {
    try UploadSessions.check(offset, uploads.offset(of: id, in: repository))
  }

  /// Appends bytes, hashing them on the way; the new offset.
  ///
  /// Throws `range-invalid` when the upload does not stand at `expectedOffset`, and `upload-invalid` while another
  /// request is writing to it; both leave it as it was.
  @discardableResult
  package func append(
    to id: UploadID,
    in repository: Repository,
    at expectedOffset: Int64? = nil,
    _ bytes: UnsafeRawBufferPointer
  ) throws(Failure) -> Int64 {
    try uploads.append(to: id, in: repository, at: expectedOffset, bytes)
  }

  /// Ends the upload: the blob is on the disk and in the repository when this returns. Throws `digest-invalid`
  /// when the bytes are others; the upload is gone then and nothing is stored.
  @discardableResult
  package func finishUpload(
    _ id: UploadID,
    in repository: Repository,
    expecting digest: Digest
  ) throws(Failure) -> (digest: Digest, size: ByteCount) {
    let hold = data.blobs.leases.hold()
    defer { hold.release() }
    let stored = try uploads.finish(id, in: repository, expecting: digest)
    try data.ledger.linkBlob(stored.digest, to: repository, at: data.clock.now())
    return stored
  }

  /// Forgets an upload and its bytes; throws `upload-unknown`.
  package func cancelUpload(_ id: UploadID, in repository: Repository) throws(Failure) {
    try uploads.cancel(id, in: repository)
  }
}

/// A blob opened for reading.
package struct BlobHandle: Sendable {
  package var digest: Digest
  package var size: ByteCount
  /// The receiver closes it.
  package var descriptor: FileDescriptor
}
