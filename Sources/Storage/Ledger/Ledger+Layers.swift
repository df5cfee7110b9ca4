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

/// A layer and when the step that made it ran, here or on another machine.
package struct MadeLayer: Sendable, Hashable {
  package var layer: LayerRecord
  package var madeAt: Timestamp

  package init(_ layer: LayerRecord, madeAt: Timestamp) {
    self.layer = layer
    self.madeAt = madeAt
  }
}

extension Ledger {
  /// What a step of this key made before in this organisation; nil is a miss.
  package func cachedLayer(_ key: Digest, of organization: OrganizationName) throws(Failure) -> MadeLayer? {
    try read("reading the step cache") { db in
      try Row.fetchOne(
        db,
        sql: """
          SELECT layers.digest, layers.diff_id, layers.size, layers.media_type, step_cache.created_at
          FROM step_cache JOIN layers ON layers.digest = step_cache.layer
          WHERE step_cache.organization = ? AND step_cache.key = ?
          """,
        arguments: [organization.name, key.description]
      ).map { try MadeLayer(LayerRecord(row: $0), madeAt: Timestamp(milliseconds: $0["created_at"])) }
    }
  }

  /// Remembers what steps made, instead of what they made before, in one transaction.
  package func cacheLayers(
    _ layers: [(key: Digest, made: MadeLayer)], of organization: OrganizationName
  ) throws(Failure) {
    try write("saving to the step cache") { db in
      for (key, made) in layers {
        try Self.put(made.layer, db)
        try db.execute(
          sql: """
            INSERT INTO step_cache (organization, key, layer, created_at) VALUES (?, ?, ?, ?)
            ON CONFLICT (organization, key) DO UPDATE SET layer = excluded.layer, created_at = excluded.created_at
            """,
          arguments: [
            organization.name, key.description, made.layer.digest.description, made.madeAt.milliseconds,
          ]
        )
      }
    }
  }

  /// The layers that steps of any organisation made.
  package func cachedLayerDigests() throws(Failure) -> [Digest] {
    try read("reading the step cache") { db in
      try String.fetchAll(db, sql: "SELECT DISTINCT layer FROM step_cache").map { try Digest($0) }
    }
  }

  /// Forgets the steps that made these layers, because their blobs are gone.
  package func forgetLayers(_ digests: [Digest]) throws(Failure) {
    guard !digests.isEmpty else { return }
    try write("forgetting layers that are gone") { db in
      for digest in digests {
        try db.execute(sql: "DELETE FROM step_cache WHERE layer = ?", arguments: [digest.description])
      }
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
