import Diagnostics
import GRDB
import OCI

extension Ledger {
  /// Adds a manifest and moves tags to it, in one transaction.
  ///
  /// `blobs` must be in the repository, else `manifest-blob-unknown` names the first missing one and nothing changes;
  /// `children` are an index's manifests and may be absent. `linking` makes blobs visible first: the builder's
  /// hand-off, whose layers never were uploads. `build` SUCCEEDS by it, in the same transaction: there is no moment in
  /// which a build has ended and its tags have not moved, or the other way round. One that has ended otherwise
  /// meanwhile (by its cancelling) throws `cancelled`, and no tag moves.
  package func putManifest(
    _ manifest: ManifestRow,
    blobs: [Digest],
    children: [Digest] = [],
    linking: [Digest] = [],
    tags: [Tag],
    completing build: BuildCompletion? = nil
  ) throws(Failure) {
    try write("saving a manifest") { db in
      // Their manifest comes with them: nothing has to wait for it.
      try Self.link(linking, to: manifest.repository, at: Timestamp(milliseconds: 0), db)
      for blob in blobs where try !Self.hasBlob(blob, in: manifest.repository, db) {
        throw Failure(
          .notFound,
          reason: "manifest-blob-unknown",
          "manifest names blob '\(blob)', which is not in repository '\(manifest.repository)'",
          hint: "push the blob before the manifest"
        )
      }
      try Self.insert(manifest, db)
      for digest in blobs + children {
        try db.execute(
          sql: """
            INSERT INTO manifest_references (repository, manifest, digest) VALUES (?, ?, ?) ON CONFLICT DO NOTHING
            """,
          arguments: [manifest.repository.name, manifest.digest.description, digest.description]
        )
      }
      for tag in tags {
        try db.execute(
          sql: """
            INSERT INTO tags (repository, tag, digest, updated_at) VALUES (?, ?, ?, ?)
            ON CONFLICT (repository, tag) DO UPDATE SET digest = excluded.digest, updated_at = excluded.updated_at
            """,
          arguments: [
            manifest.repository.name, tag.name, manifest.digest.description, manifest.pushedAt.milliseconds,
          ]
        )
      }
      if let build { try Self.succeed(build, with: manifest.digest, db) }
    }
  }

  package func manifest(_ digest: Digest, in repository: Repository) throws(Failure) -> ManifestRow? {
    try read("reading a manifest") { db in
      try Row.fetchOne(
        db,
        sql: "SELECT * FROM manifests WHERE repository = ? AND digest = ?",
        arguments: [repository.name, digest.description]
      ).map(ManifestRow.init(row:))
    }
  }

  /// Those of an index's manifests that the repository has not; what an index of other things than manifests names may
  /// be a blob.
  package func missing(_ children: [Digest], from repository: Repository) throws(Failure) -> [Digest] {
    try read("looking for an index's manifests") { db in
      try children.filter { child in
        guard try !Self.hasBlob(child, in: repository, db) else { return false }
        return try Bool.fetchOne(
          db, sql: "SELECT EXISTS (SELECT 1 FROM manifests WHERE repository = ? AND digest = ?)",
          arguments: [repository.name, child.description]) == false
      }
    }
  }

  /// The manifest the tag stands for now.
  package func manifest(_ tag: Tag, in repository: Repository) throws(Failure) -> ManifestRow? {
    try read("reading a tag") { db in
      try Row.fetchOne(
        db,
        sql: """
          SELECT manifests.* FROM tags
          JOIN manifests ON manifests.repository = tags.repository AND manifests.digest = tags.digest
          WHERE tags.repository = ? AND tags.tag = ?
          """,
        arguments: [repository.name, tag.name]
      ).map(ManifestRow.init(row:))
    }
  }

  /// Manifests about `subject`, newest last; of one artifact type only, when given.
  package func referrers(
    of subject: Digest,
    in repository: Repository,
    artifactType: String? = nil
  ) throws(Failure) -> [ManifestRow] {
    try read("listing referrers") { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT * FROM manifests WHERE repository = ? AND subject = ? AND (? IS NULL OR artifact_type = ?)
          ORDER BY pushed_at, digest
          """,
        arguments: [repository.name, subject.description, artifactType, artifactType]
      ).map(ManifestRow.init(row:))
    }
  }

  /// Removes a manifest and the tags that stand for it, which are returned; nil when there was none. Its blobs stay
  /// in the repository.
  package func deleteManifest(_ digest: Digest, in repository: Repository) throws(Failure) -> [Tag]? {
    try write("removing a manifest") { db in
      let tags = try String.fetchAll(
        db,
        sql: "SELECT tag FROM tags WHERE repository = ? AND digest = ? ORDER BY tag",
        arguments: [repository.name, digest.description]
      )
      try db.execute(
        sql: "DELETE FROM manifests WHERE repository = ? AND digest = ?",
        arguments: [repository.name, digest.description]
      )
      return db.changesCount == 1 ? try tags.map { try Tag($0) } : nil
    }
  }

  private static func insert(_ manifest: ManifestRow, _ db: Database) throws {
    try db.execute(
      sql: """
        INSERT INTO manifests
          (repository, digest, media_type, artifact_type, subject, size, annotations, pushed_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (repository, digest)
        DO UPDATE SET media_type = excluded.media_type, pushed_at = excluded.pushed_at
        """,
      arguments: [
        manifest.repository.name, manifest.digest.description, manifest.mediaType.rawValue, manifest.artifactType,
        manifest.subject?.description, manifest.size.bytes, try JSONColumn.text(ifPresent: manifest.annotations),
        manifest.pushedAt.milliseconds,
      ]
    )
  }
}

extension ManifestRow {
  fileprivate init(row: Row) throws {
    self.init(
      repository: try Repository(row["repository"]),
      digest: try Digest(row["digest"]),
      mediaType: MediaType(rawValue: row["media_type"]),
      artifactType: row["artifact_type"],
      subject: try (row["subject"] as String?).map { try Digest($0) },
      size: ByteCount(row["size"]),
      annotations: try (row["annotations"] as String?).map { try JSONColumn.value([String: String].self, $0) },
      pushedAt: Timestamp(milliseconds: row["pushed_at"])
    )
  }
}
