import Diagnostics
import GRDB
import OCI

extension Ledger {
  /// Makes a stored blob visible in the repository. `moment` is how a collection knows that a manifest may still come.
  package func linkBlob(_ digest: Digest, to repository: Repository, at moment: Timestamp) throws(Failure) {
    try write("adding a blob to a repository") { db in try Self.link([digest], to: repository, at: moment, db) }
  }

  /// Whether the blob can be seen in the repository.
  package func hasBlob(_ digest: Digest, in repository: Repository) throws(Failure) -> Bool {
    try read("looking for a blob") { db in try Self.hasBlob(digest, in: repository, db) }
  }

  /// Takes the blob out of the repository; false when it was not in it. Other repositories keep it.
  package func unlinkBlob(_ digest: Digest, from repository: Repository) throws(Failure) -> Bool {
    try write("removing a blob from a repository") { db in
      try db.execute(
        sql: "DELETE FROM repository_blobs WHERE repository = ? AND digest = ?",
        arguments: [repository.name, digest.description]
      )
      return db.changesCount == 1
    }
  }

  /// Whether any repository of the owner (its first path component) has the blob.
  package func hasBlob(_ digest: Digest, inAnyRepositoryOf owner: String) throws(Failure) -> Bool {
    try read("looking for a blob") { db in
      try Bool.fetchOne(
        db,
        sql: """
          SELECT EXISTS (
            SELECT 1 FROM repository_blobs JOIN repositories ON repositories.name = repository_blobs.repository
            WHERE repository_blobs.digest = ? AND repositories.owner = ?)
          """,
        arguments: [digest.description, owner]
      ) ?? false
    }
  }

  static func link(
    _ digests: some Sequence<Digest>, to repository: Repository, at moment: Timestamp, _ db: Database
  ) throws {
    try db.execute(
      sql: "INSERT INTO repositories (name, owner) VALUES (?, ?) ON CONFLICT DO NOTHING",
      arguments: [repository.name, repository.owner]
    )
    for digest in digests {
      try db.execute(
        sql: """
          INSERT INTO repository_blobs (repository, digest, linked_at) VALUES (?, ?, ?)
          ON CONFLICT (repository, digest) DO UPDATE SET linked_at = max(linked_at, excluded.linked_at)
          """,
        arguments: [repository.name, digest.description, moment.milliseconds]
      )
    }
  }

  static func hasBlob(_ digest: Digest, in repository: Repository, _ db: Database) throws -> Bool {
    try Bool.fetchOne(
      db,
      sql: "SELECT EXISTS (SELECT 1 FROM repository_blobs WHERE repository = ? AND digest = ?)",
      arguments: [repository.name, digest.description]
    ) ?? false
  }
}
