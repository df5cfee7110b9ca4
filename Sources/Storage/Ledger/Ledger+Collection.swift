import Diagnostics
import GRDB
import OCI

/// A manifest of a repository, by its names.
package struct ManifestName: Sendable, Hashable, Codable {
  package var repository: Repository
  package var digest: Digest

  package init(repository: Repository, digest: Digest) {
    self.repository = repository
    self.digest = digest
  }

  package init(from decoder: any Decoder) throws {
    var list = try decoder.unkeyedContainer()
    repository = try Repository(try list.decode(String.self))
    digest = try Digest(try list.decode(String.self))
  }

  /// As SQL reads it: `["REPOSITORY","DIGEST"]`.
  package func encode(to encoder: any Encoder) throws {
    var list = encoder.unkeyedContainer()
    try list.encode(repository.name)
    try list.encode(digest.description)
  }
}

/// What a collection means to take away, before it does: what only that keeps is not kept.
package struct Doomed: Sendable {
  package var manifests: [ManifestName] = []
  /// Layers that only the step cache names.
  package var steps: [Digest] = []
  /// A blob that was linked to a repository since stays there.
  package var linkedSince = Timestamp(milliseconds: .min)

  package init() {}

  fileprivate func arguments() throws -> StatementArguments {
    [
      "manifests": try JSONColumn.text(manifests), "steps": try JSONColumn.text(steps.map(\.description)),
      "since": linkedSince.milliseconds,
    ]
  }
}

extension Ledger {
  private static func isDoomed(_ repository: String, _ digest: String) -> String {
    """
    (\(repository), \(digest)) IN
      (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:manifests))
    """
  }

  /// Whether the blob `b` stays in its repository: it came lately, or one of the repository's manifests names it.
  private static let isLinked = """
    (b.linked_at >= :since OR EXISTS (
      SELECT 1 FROM manifest_references AS r
      WHERE r.digest = b.digest AND r.repository = b.repository AND NOT \(isDoomed("r.repository", "r.manifest"))))
    """

  /// Every reason to keep the content `d.value`. A new table that names blobs becomes a line here.
  private static let blobKeepers = [
    "SELECT 1 FROM repository_blobs AS b WHERE b.digest = d.value AND \(isLinked)",
    "SELECT 1 FROM manifests AS m WHERE m.digest = d.value AND NOT \(isDoomed("m.repository", "m.digest"))",
    "SELECT 1 FROM step_cache WHERE layer = d.value AND layer NOT IN (SELECT value FROM json_each(:steps))",
  ]

  /// Every reason to keep the manifest `m`, whatever its age. A new table that names manifests becomes a line here.
  private static let manifestKeepers =
    [
      "SELECT 1 FROM tags AS t WHERE t.repository = m.repository AND t.digest = m.digest",
      // One of an index that stays.
      """
      SELECT 1 FROM manifest_references AS r
      WHERE r.repository = m.repository AND r.digest = m.digest AND NOT \(isDoomed("r.repository", "r.manifest"))
      """,
      // About another one that stays.
      """
      SELECT 1 FROM manifests AS s
      WHERE s.repository = m.repository AND s.digest = m.subject AND NOT \(isDoomed("s.repository", "s.digest"))
      """,
    ] + appKeepers(of: "m")

  /// A draft or a version of an app runs the manifest of that alias.
  static func appKeepers(of manifest: String) -> [String] {
    ["app_drafts", "app_versions"].map { table in
      """
      SELECT 1 FROM \(table) AS a WHERE a.image IS NOT NULL AND json_extract(a.image, '$.digest') = \(manifest).digest
        AND json_extract(a.image, '$.repository') = \(manifest).repository
      """
    }
  }

  private static let isManifestKept = manifestKeepers.map { "EXISTS (\($0))" }.joined(separator: " OR ")

  /// Manifests that were pushed before `moment` and that nothing else names, besides those that are doomed already.
  package func untaggedManifests(before moment: Timestamp, _ doomed: Doomed) throws(Failure) -> [ManifestName] {
    try read("looking for manifests without a tag") { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT m.repository, m.digest FROM manifests AS m
          WHERE m.pushed_at < :before AND NOT \(Self.isDoomed("m.repository", "m.digest"))
            AND NOT (\(Self.isManifestKept))
          """,
        arguments: try doomed.arguments() + ["before": moment.milliseconds]
      ).map { ManifestName(repository: try Repository($0["repository"]), digest: try Digest($0["digest"])) }
    }
  }

  /// Removes those that still have no tag and are as old, in one transaction; how many of them.
  package func deleteUntagged(_ manifests: [ManifestName], before moment: Timestamp) throws(Failure) -> Int {
    try write("removing manifests without a tag") { db in
      try manifests.reduce(0) { count, manifest in
        try db.execute(
          sql: """
            DELETE FROM manifests AS m WHERE m.repository = :repository AND m.digest = :digest AND m.pushed_at < :before
              AND NOT (\(Self.isManifestKept))
            """,
          arguments: try Doomed().arguments() + [
            "repository": manifest.repository.name, "digest": manifest.digest.description,
            "before": moment.milliseconds,
          ])
        return count + db.changesCount
      }
    }
  }

  /// Blobs that stand in a repository and in none of its manifests, at most `limit` of them behind `last`.
  package func unnamedBlobs(
    after last: ManifestName?, limit: Int, _ doomed: Doomed
  ) throws(Failure) -> [ManifestName] {
    try read("looking for blobs that nothing names") { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT b.repository, b.digest FROM repository_blobs AS b
          WHERE (b.repository, b.digest) > (:repository, :after) AND NOT \(Self.isLinked)
          ORDER BY b.repository, b.digest LIMIT :limit
          """,
        arguments: try doomed.arguments() + [
          "repository": last?.repository.name ?? "", "after": last?.digest.description ?? "", "limit": limit,
        ]
      ).map { ManifestName(repository: try Repository($0["repository"]), digest: try Digest($0["digest"])) }
    }
  }

  /// Those of the blobs that came to the repository at `moment` or later.
  package func linked(
    _ digests: [Digest], to repository: Repository, since moment: Timestamp
  ) throws(Failure) -> [Digest] {
    try read("looking for young blobs") { db in
      try digests.filter { digest in
        try Bool.fetchOne(
          db,
          sql: "SELECT EXISTS (SELECT 1 FROM repository_blobs WHERE repository = ? AND digest = ? AND linked_at >= ?)",
          arguments: [repository.name, digest.description, moment.milliseconds]) ?? false
      }
    }
  }

  /// Takes those of them out of the repository that still nothing names there, in one transaction; these.
  package func unlinkUnnamed(
    _ digests: [Digest], from repository: Repository, _ doomed: Doomed
  ) throws(Failure) -> [Digest] {
    try write("removing blobs from a repository") { db in
      try digests.filter { digest in
        try db.execute(
          sql: """
            DELETE FROM repository_blobs AS b
            WHERE b.repository = :repository AND b.digest = :digest AND NOT \(Self.isLinked)
            """,
          arguments: try doomed.arguments() + ["repository": repository.name, "digest": digest.description])
        return db.changesCount == 1
      }
    }
  }

  /// Those of the blobs that nothing keeps.
  package func unkept(_ digests: [Digest], _ doomed: Doomed) throws(Failure) -> [Digest] {
    try read("looking for what keeps blobs") { db in
      let isKept = Self.blobKeepers.map { "EXISTS (\($0))" }.joined(separator: " OR ")
      return try String.fetchAll(
        db, sql: "SELECT d.value FROM json_each(:digests) AS d WHERE NOT (\(isKept))",
        arguments: try doomed.arguments() + ["digests": try JSONColumn.text(digests.map(\.description))]
      ).map { try Digest($0) }
    }
  }

  /// Layers that the step cache names and no repository has.
  package func layersOfSteps() throws(Failure) -> [Digest] {
    try read("reading the step cache") { db in
      try String.fetchAll(
        db,
        sql: """
          SELECT DISTINCT layer FROM step_cache
          WHERE NOT EXISTS (SELECT 1 FROM repository_blobs WHERE repository_blobs.digest = step_cache.layer)
          """
      ).map { try Digest($0) }
    }
  }

  /// Forgets what is known of layers that are gone and that no step names again.
  package func forgetUnnamedLayers(_ digests: [Digest]) throws(Failure) {
    guard !digests.isEmpty else { return }
    try write("forgetting layers that are gone") { db in
      for digest in digests {
        try db.execute(
          sql: "DELETE FROM layers WHERE digest = ? AND NOT EXISTS (SELECT 1 FROM step_cache WHERE layer = digest)",
          arguments: [digest.description])
      }
    }
  }
}

/// A tag with what a layout's index says of its manifest.
struct TaggedManifest: Sendable {
  var repository: Repository
  var tag: Tag
  var digest: Digest
  var mediaType: MediaType
  var size: ByteCount
}

extension Ledger {
  /// Tags of every repository in byte order, those behind `last`.
  func taggedManifests(after last: TaggedManifest?, limit: Int) throws(Failure) -> [TaggedManifest] {
    try read("listing tags") { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT tags.repository, tags.tag, tags.digest, manifests.media_type, manifests.size FROM tags
          JOIN manifests ON manifests.repository = tags.repository AND manifests.digest = tags.digest
          WHERE (tags.repository, tags.tag) > (?, ?) ORDER BY tags.repository, tags.tag LIMIT ?
          """,
        arguments: [last?.repository.name ?? "", last?.tag.name ?? "", limit]
      ).map { row in
        TaggedManifest(
          repository: try Repository(row["repository"]), tag: try Tag(row["tag"]), digest: try Digest(row["digest"]),
          mediaType: MediaType(rawValue: row["media_type"]), size: ByteCount(row["size"]))
      }
    }
  }
}
