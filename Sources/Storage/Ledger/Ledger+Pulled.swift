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

  /// Remembers that the manifests came from another registry, so that they may go when space is short.
  package func savePulled(_ manifests: [Digest], in repository: Repository) throws(Failure) {
    try write("saving a pulled image") { db in
      for digest in manifests {
        try db.execute(
          sql: "INSERT INTO pulled_manifests (repository, digest) VALUES (?, ?) ON CONFLICT DO NOTHING",
          arguments: [repository.name, digest.description])
      }
    }
  }

  /// A pulled manifest that may go, and what goes with it.
  package struct PulledManifest: Sendable {
    package var name: ManifestName
    /// Its own digest and those of config, layers or manifests.
    package var content: [Digest]
  }

  /// Manifests of other registries that nobody has named otherwise here since: their tags are those they were pulled by.
  package func pulledManifests() throws(Failure) -> [PulledManifest] {
    try read("reading pulled images") { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT p.repository, p.digest, (
            SELECT json_group_array(r.digest) FROM manifest_references AS r
            WHERE r.repository = p.repository AND r.manifest = p.digest) AS content
          FROM pulled_manifests AS p WHERE NOT EXISTS (
            SELECT 1 FROM tags LEFT JOIN pulled_tags
              ON pulled_tags.repository = tags.repository AND pulled_tags.tag = tags.tag
              AND pulled_tags.digest = tags.digest
            WHERE tags.repository = p.repository AND tags.digest = p.digest AND pulled_tags.tag IS NULL)
            AND NOT EXISTS (\(Self.appKeepers(of: "p")[0])) AND NOT EXISTS (\(Self.appKeepers(of: "p")[1]))
          """
      ).map { row in
        let digest = try Digest(row["digest"])
        return PulledManifest(
          name: ManifestName(repository: try Repository(row["repository"]), digest: digest),
          content: [digest] + (try JSONColumn.value([Digest].self, row["content"])))
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
