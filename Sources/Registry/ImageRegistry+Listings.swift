import Diagnostics
import OCI
import Storage

extension ImageRegistry {
  /// The repository's tags in byte order, those after `last`, at most `limit`; throws `name-unknown` for a repository
  /// nothing was ever pushed to.
  package func tags(
    in repository: Repository,
    after last: String? = nil,
    limit: Int
  ) throws(Failure) -> [Tag] {
    guard try data.ledger.hasRepository(repository) else {
      throw Failure(.notFound, reason: "name-unknown", "repository '\(repository)' does not exist")
    }
    return try data.ledger.tags(of: repository, after: last, limit: limit).map(\.tag)
  }

  /// Repositories with an image in byte order, those after `last`, at most `limit`; of one organisation, when given.
  package func repositories(
    of organization: OrganizationName? = nil,
    after last: String? = nil,
    limit: Int
  ) throws(Failure) -> [Repository] {
    try data.ledger.repositories(owner: organization?.name, after: last, limit: limit)
  }

  /// The repository's manifests about `digest` as an index, of one artifact type when given. Spec: empty, never an
  /// error, when there are none.
  package func referrers(
    of digest: Digest,
    in repository: Repository,
    artifactType: String? = nil
  ) throws(Failure) -> Index {
    let rows = try data.ledger.referrers(of: digest, in: repository, artifactType: artifactType)
    return Index(
      manifests: rows.map { row in
        var descriptor = Descriptor(mediaType: row.mediaType, digest: row.digest, size: row.size.bytes)
        descriptor.artifactType = row.artifactType
        descriptor.annotations = row.annotations
        return descriptor
      }
    )
  }
}
