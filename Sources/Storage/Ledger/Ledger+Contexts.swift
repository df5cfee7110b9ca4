import Diagnostics
import GRDB
import OCI

/// An uploaded context of an organisation: a name for an archive in the context store, until it expires.
package struct ContextRecord: Sendable, Hashable {
  package var id: ContextID
  package var organization: OrganizationName
  package var name: String
  /// As the uploader said; the bytes decide.
  package var contentType: String
  package var digest: Digest
  package var size: ByteCount
  package var createdAt: Timestamp
  package var expiresAt: Timestamp

  package init(
    id: ContextID,
    organization: OrganizationName,
    name: String,
    contentType: String,
    digest: Digest,
    size: ByteCount,
    createdAt: Timestamp,
    expiresAt: Timestamp
  ) {
    self.id = id
    self.organization = organization
    self.name = name
    self.contentType = contentType
    self.digest = digest
    self.size = size
    self.createdAt = createdAt
    self.expiresAt = expiresAt
  }

  fileprivate init(row: Row) throws {
    self.init(
      id: ContextID(unchecked: row["id"]),
      organization: try OrganizationName(row["organization"]),
      name: row["name"],
      contentType: row["content_type"],
      digest: try Digest(row["digest"]),
      size: ByteCount(row["size"]),
      createdAt: Timestamp(milliseconds: row["created_at"]),
      expiresAt: Timestamp(milliseconds: row["expires_at"])
    )
  }
}

extension Ledger {
  package func insert(_ context: ContextRecord) throws(Failure) {
    try write("saving a context") { db in
      try db.execute(
        sql: """
          INSERT INTO contexts (id, organization, name, content_type, digest, size, created_at, expires_at)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          context.id.text, context.organization.name, context.name, context.contentType,
          context.digest.description, context.size.bytes, context.createdAt.milliseconds,
          context.expiresAt.milliseconds,
        ]
      )
    }
  }

  /// The context, when it is this organisation's; also an expired one that was not removed yet.
  package func context(_ id: ContextID, of organization: OrganizationName) throws(Failure) -> ContextRecord? {
    try read("reading a context") { db in
      try Row.fetchOne(
        db,
        sql: "SELECT * FROM contexts WHERE id = ? AND organization = ?",
        arguments: [id.text, organization.name]
      ).map(ContextRecord.init(row:))
    }
  }

  /// The organisation's context of this content that lives longest after `moment`.
  package func context(
    with digest: Digest, of organization: OrganizationName, at moment: Timestamp
  ) throws(Failure) -> ContextRecord? {
    try read("reading a context") { db in
      try Row.fetchOne(
        db,
        sql: """
          SELECT * FROM contexts WHERE digest = ? AND organization = ? AND expires_at > ?
          ORDER BY expires_at DESC LIMIT 1
          """,
        arguments: [digest.description, organization.name, moment.milliseconds]
      ).map(ContextRecord.init(row:))
    }
  }

  /// What the contexts of an organisation, or of all, take that are alive at `moment`; equal content counts once.
  package func contextBytes(of organization: OrganizationName?, at moment: Timestamp) throws(Failure) -> ByteCount {
    try read("counting contexts") { db in
      let sum = try Int64.fetchOne(
        db,
        sql: """
          SELECT COALESCE(SUM(size), 0) FROM
            (SELECT DISTINCT digest, size FROM contexts WHERE expires_at > ?1 AND (?2 IS NULL OR organization = ?2))
          """,
        arguments: [moment.milliseconds, organization?.name]
      )
      return ByteCount(sum ?? 0)
    }
  }

  /// Every organisation's contexts whose time is over at `moment`.
  package func expiredContexts(at moment: Timestamp) throws(Failure) -> [ContextRecord] {
    try read("listing expired contexts") { db in
      try Row.fetchAll(
        db,
        sql: "SELECT * FROM contexts WHERE expires_at <= ? ORDER BY expires_at",
        arguments: [moment.milliseconds]
      ).map(ContextRecord.init(row:))
    }
  }

  /// Forgets a context; its archive is removed when nothing uses it (`contextDigestsInUse`).
  package func deleteContext(_ id: ContextID) throws(Failure) {
    try write("removing a context") { db in
      try db.execute(sql: "DELETE FROM contexts WHERE id = ?", arguments: [id.text])
    }
  }

  /// Archives that a context names or an unfinished build is made from.
  package func contextDigestsInUse() throws(Failure) -> Set<Digest> {
    try read("listing contexts in use") { db in
      let texts = try String.fetchAll(
        db,
        sql: BuildQuery.contextsInUse
      )
      return Set(try texts.map { try Digest($0) })
    }
  }
}
