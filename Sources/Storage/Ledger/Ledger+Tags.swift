import Diagnostics
import GRDB
import OCI

extension Ledger {
  /// The repository's tags in byte order, those after `last`, at most `limit`.
  package func tags(
    of repository: Repository,
    after last: String? = nil,
    limit: Int
  ) throws(Failure) -> [TagRow] {
    try read("listing tags") { db in
      try Row.fetchAll(
        db,
        sql: "SELECT * FROM tags WHERE repository = ? AND tag > ? ORDER BY tag LIMIT ?",
        arguments: [repository.name, last ?? "", max(0, limit)]
      ).map { row in
        TagRow(
          repository: repository,
          tag: try Tag(row["tag"]),
          digest: try Digest(row["digest"]),
          updatedAt: Timestamp(milliseconds: row["updated_at"])
        )
      }
    }
  }

  /// Removes the tag; the manifest stays. False when there was none.
  package func deleteTag(_ tag: Tag, in repository: Repository) throws(Failure) -> Bool {
    try write("removing a tag") { db in
      try db.execute(
        sql: "DELETE FROM tags WHERE repository = ? AND tag = ?",
        arguments: [repository.name, tag.name]
      )
      return db.changesCount == 1
    }
  }

  /// Whether anything was ever pushed or mounted to the repository.
  package func hasRepository(_ repository: Repository) throws(Failure) -> Bool {
    try read("looking for a repository") { db in
      try Bool.fetchOne(
        db,
        sql: "SELECT EXISTS (SELECT 1 FROM repositories WHERE name = ?)",
        arguments: [repository.name]
      ) ?? false
    }
  }

  /// Repositories with a manifest in byte order, those after `last`; of one owner (first path component) only,
  /// when given.
  package func repositories(
    owner: String? = nil,
    after last: String? = nil,
    limit: Int
  ) throws(Failure) -> [Repository] {
    try read("listing repositories") { db in
      try String.fetchAll(
        db,
        sql: """
          SELECT name FROM repositories
          WHERE name > ? AND (? IS NULL OR owner = ?)
            AND EXISTS (SELECT 1 FROM manifests WHERE manifests.repository = repositories.name)
          ORDER BY name LIMIT ?
          """,
        arguments: [last ?? "", owner, owner, max(0, limit)]
      ).map { try Repository($0) }
    }
  }
}
