import Diagnostics
import GRDB
import OCI

/// What is known of a layer blob: its diffID is the digest of the tar inside.
package struct LayerRecord: Sendable, Hashable {
  package var digest: Digest
  package var diffID: Digest
  /// Of the blob, compressed.
  package var size: ByteCount
  package var mediaType: MediaType

  package init(digest: Digest, diffID: Digest, size: ByteCount, mediaType: MediaType) {
    self.digest = digest
    self.diffID = diffID
    self.size = size
    self.mediaType = mediaType
  }

  fileprivate init(row: Row) throws {
    self.init(
      digest: try Digest(row["digest"]),
      diffID: try Digest(row["diff_id"]),
      size: ByteCount(row["size"]),
      mediaType: MediaType(rawValue: row["media_type"])
    )
  }
}

/// What a step with the same key made the last time.
package struct CacheEntry: Sendable, Hashable {
  /// Nil when the step changed no file.
  package var layer: LayerRecord?
  package var createdAt: Timestamp
  package var usedAt: Timestamp
}

extension Ledger {
  package func putLayer(_ layer: LayerRecord) throws(Failure) {
    try write("saving a layer") { db in try Self.put(layer, db) }
  }

  /// What is known of the blob.
  package func layer(digest: Digest) throws(Failure) -> LayerRecord? {
    try read("reading a layer") { db in
      try Row.fetchOne(db, sql: "SELECT * FROM layers WHERE digest = ?", arguments: [digest.description])
        .map(LayerRecord.init(row:))
    }
  }

  /// Blobs with this content, smallest first: the same layer compressed in several ways.
  package func layers(diffID: Digest) throws(Failure) -> [LayerRecord] {
    try read("reading a layer") { db in
      try Row.fetchAll(
        db,
        sql: "SELECT * FROM layers WHERE diff_id = ? ORDER BY size, digest",
        arguments: [diffID.description]
      ).map(LayerRecord.init(row:))
    }
  }

  /// What a step of this key made before in this organisation; nil is a miss. Reading marks nothing:
  /// `touchCacheEntries` does, once a build.
  package func cacheEntry(key: Digest, of organization: OrganizationName) throws(Failure) -> CacheEntry? {
    try read("reading the step cache") { db in
      try Row.fetchOne(
        db,
        sql: """
          SELECT step_cache.created_at, step_cache.used_at, layers.digest, layers.diff_id, layers.size,
            layers.media_type
          FROM step_cache LEFT JOIN layers ON layers.digest = step_cache.layer
          WHERE step_cache.organization = ? AND step_cache.key = ?
          """,
        arguments: [organization.name, key.description]
      ).map { row in
        CacheEntry(
          layer: row["digest"] as String? == nil ? nil : try LayerRecord(row: row),
          createdAt: Timestamp(milliseconds: row["created_at"]),
          usedAt: Timestamp(milliseconds: row["used_at"])
        )
      }
    }
  }

  /// Remembers what a step made, instead of what it made before; nil when it changed no file.
  package func putCacheEntry(
    key: Digest,
    of organization: OrganizationName,
    layer: LayerRecord?,
    createdAt: Timestamp
  ) throws(Failure) {
    try putCacheEntries([(key, layer)], of: organization, createdAt: createdAt)
  }

  /// The same for several, in one transaction.
  package func putCacheEntries(
    _ entries: [(key: Digest, layer: LayerRecord?)], of organization: OrganizationName, createdAt: Timestamp
  ) throws(Failure) {
    try write("saving to the step cache") { db in
      for (key, layer) in entries {
        if let layer { try Self.put(layer, db) }
        try db.execute(
          sql: """
            INSERT INTO step_cache (organization, key, layer, created_at, used_at) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (organization, key)
            DO UPDATE SET layer = excluded.layer, created_at = excluded.created_at, used_at = excluded.used_at
            """,
          arguments: [
            organization.name, key.description, layer?.digest.description, createdAt.milliseconds,
            createdAt.milliseconds,
          ]
        )
      }
    }
  }

  /// Marks entries as used at `moment`, in one transaction.
  package func touchCacheEntries(
    _ keys: [Digest],
    of organization: OrganizationName,
    at moment: Timestamp
  ) throws(Failure) {
    guard !keys.isEmpty else { return }
    try write("marking the step cache") { db in
      for key in keys {
        try db.execute(
          sql: "UPDATE step_cache SET used_at = ? WHERE organization = ? AND key = ?",
          arguments: [moment.milliseconds, organization.name, key.description]
        )
      }
    }
  }

  /// Forgets an entry, such as one whose blob is gone.
  package func deleteCacheEntry(key: Digest, of organization: OrganizationName) throws(Failure) {
    try write("removing from the step cache") { db in
      try db.execute(
        sql: "DELETE FROM step_cache WHERE organization = ? AND key = ?",
        arguments: [organization.name, key.description]
      )
    }
  }

  private static func put(_ layer: LayerRecord, _ db: Database) throws {
    try db.execute(
      sql: """
        INSERT INTO layers (digest, diff_id, size, media_type) VALUES (?, ?, ?, ?)
        ON CONFLICT (digest) DO UPDATE
        SET diff_id = excluded.diff_id, size = excluded.size, media_type = excluded.media_type
        """,
      arguments: [layer.digest.description, layer.diffID.description, layer.size.bytes, layer.mediaType.rawValue]
    )
  }
}
