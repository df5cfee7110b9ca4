import Diagnostics
import OCI

/// A manifest of a repository; its bytes are the blob of the same digest.
package struct ManifestRow: Sendable, Hashable {
  package var repository: Repository
  package var digest: Digest
  package var mediaType: MediaType
  /// As referrers list it: the manifest's own, or its config's media type.
  package var artifactType: String?
  /// The manifest this one is about, which need not be here.
  package var subject: Digest?
  package var size: ByteCount
  package var annotations: [String: String]?
  package var pushedAt: Timestamp

  package init(
    repository: Repository,
    digest: Digest,
    mediaType: MediaType,
    artifactType: String? = nil,
    subject: Digest? = nil,
    size: ByteCount,
    annotations: [String: String]? = nil,
    pushedAt: Timestamp
  ) {
    self.repository = repository
    self.digest = digest
    self.mediaType = mediaType
    self.artifactType = artifactType
    self.subject = subject
    self.size = size
    self.annotations = annotations
    self.pushedAt = pushedAt
  }
}

/// A tag of a repository and the manifest it stands for now.
package struct TagRow: Sendable, Hashable {
  package var repository: Repository
  package var tag: Tag
  package var digest: Digest
  package var updatedAt: Timestamp
}
