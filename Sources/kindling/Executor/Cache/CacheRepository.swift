import Diagnostics
import OCI
import Remote
import Storage

/// Where cache entries lie, by their tags.
protocol CacheRepository: Sendable {
  /// For people: `HOST/PATH` or `oci:DIRECTORY`.
  var name: String { get }

  /// The manifest under a tag; nil when there is none.
  func manifest(_ tag: Tag) async throws(Failure) -> [UInt8]?
  /// The whole of a small blob, checked against its digest.
  func bytes(of descriptor: Descriptor) async throws(Failure) -> [UInt8]
  /// Puts a blob into the blob store, checked against its digest.
  func fetch(_ descriptor: Descriptor) async throws(Failure)
  /// Keeps an entry whose layer is in the blob store, instead of what the tag named before.
  func put(_ entry: CacheEntry.Documents, as tag: Tag) async throws(Failure)
}

/// Cache entries in a repository of a registry.
struct RegistryCache: CacheRepository {
  let name: String
  private let repository: RemoteRepository
  private let blobs: BlobStore

  init(_ repository: RemoteRepository, name: String, blobs: BlobStore) {
    self.repository = repository
    self.name = name
    self.blobs = blobs
  }

  func manifest(_ tag: Tag) async throws(Failure) -> [UInt8]? { try await repository.manifest(tag)?.bytes }

  func bytes(of descriptor: Descriptor) async throws(Failure) -> [UInt8] {
    try await repository.bytes(of: descriptor)
  }

  func fetch(_ descriptor: Descriptor) async throws(Failure) { try await repository.fetch(descriptor) }

  func put(_ entry: CacheEntry.Documents, as tag: Tag) async throws(Failure) {
    _ = try blobs.put(entry.configBytes, durably: false)
    let manifest = RemoteManifest(digest: entry.manifest, mediaType: .ociManifest, bytes: entry.manifestBytes)
    try await repository.push(PushableImage(manifest: manifest, blobs: [entry.config, entry.layer]), as: tag)
  }
}
