import Diagnostics
import GRDB
import OCI

/// What a tag of another registry stood for when that registry was last asked.
package struct PulledTag: Sendable, Hashable {
  /// Where the image is kept here.
  package var repository: Repository
  package var tag: Tag
  package var digest: Digest
  package var askedAt: Timestamp

  package init(repository: Repository, tag: Tag, digest: Digest, askedAt: Timestamp) {
    self.repository = repository
    self.tag = tag
    self.digest = digest
    self.askedAt = askedAt
  }
}

extension Ledger {
  /// Nil when the tag never was pulled.
  package func pulledTag(_ tag: Tag, in repository: Repository) throws(Failure) -> PulledTag? {
    try read("reading a pulled tag") { db in
      try Row.fetchOne(
        db, sql: "SELECT digest, asked_at FROM pulled_tags WHERE repository = ? AND tag = ?",
        arguments: [repository.name, tag.name]
      ).map { row in
        PulledTag(
          repository: repository, tag: tag, digest: try Digest(row["digest"]),
          askedAt: Timestamp(milliseconds: row["asked_at"]))
      }
    }
  }

  /// Remembers what a tag stands for elsewhere, instead of what was remembered before.
  package func save(_ pulled: PulledTag) throws(Failure) {
    try write("saving a pulled tag") { db in
      try db.execute(
        sql: """
          INSERT INTO pulled_tags (repository, tag, digest, asked_at) VALUES (?, ?, ?, ?)
          ON CONFLICT (repository, tag) DO UPDATE SET digest = excluded.digest, asked_at = excluded.asked_at
          """,
        arguments: [
          pulled.repository.name, pulled.tag.name, pulled.digest.description, pulled.askedAt.milliseconds,
        ])
    }
  }
}
