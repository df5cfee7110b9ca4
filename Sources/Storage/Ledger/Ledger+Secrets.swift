import Diagnostics
import FoundationEssentials
import GRDB

/// A token this server gave out; its secret part is not here.
package struct TokenRow: Sendable, Hashable {
  package var id: String
  package var organization: OrganizationName
  package var createdAt: Timestamp
  /// Nil never ends.
  package var expiresAt: Timestamp?
  package var revokedAt: Timestamp?

  package init(
    id: String,
    organization: OrganizationName,
    createdAt: Timestamp,
    expiresAt: Timestamp? = nil,
    revokedAt: Timestamp? = nil
  ) {
    self.id = id
    self.organization = organization
    self.createdAt = createdAt
    self.expiresAt = expiresAt
    self.revokedAt = revokedAt
  }

  fileprivate init(row: Row) throws {
    self.init(
      id: row["id"],
      organization: try OrganizationName(row["organization"]),
      createdAt: Timestamp(milliseconds: row["created_at"]),
      expiresAt: (row["expires_at"] as Int64?).map(Timestamp.init(milliseconds:)),
      revokedAt: (row["revoked_at"] as Int64?).map(Timestamp.init(milliseconds:))
    )
  }
}

extension Ledger {
  /// Replaces one group of an organisation's build secrets; the bytes must be sealed.
  package func saveBuildSecrets(
    _ organization: OrganizationName,
    group: String,
    sealed: [UInt8]
  ) throws(Failure) {
    try write("saving build secrets") { db in
      try db.execute(
        sql: """
          INSERT INTO build_secrets (organization, secret_group, sealed) VALUES (?, ?, ?)
          ON CONFLICT (organization, secret_group) DO UPDATE SET sealed = excluded.sealed
          """,
        arguments: [organization.name, group, Data(sealed)]
      )
    }
  }

  /// An organisation's sealed build secrets by group.
  package func buildSecrets(_ organization: OrganizationName) throws(Failure) -> [String: [UInt8]] {
    try read("reading build secrets") { db in
      let rows = try Row.fetchAll(
        db,
        sql: "SELECT secret_group, sealed FROM build_secrets WHERE organization = ?",
        arguments: [organization.name]
      )
      var groups: [String: [UInt8]] = [:]
      for row in rows { groups[row["secret_group"]] = Array(row["sealed"] as Data) }
      return groups
    }
  }

  package func insert(_ token: TokenRow) throws(Failure) {
    try write("saving a token") { db in
      try db.execute(
        sql: "INSERT INTO tokens (id, organization, created_at, expires_at, revoked_at) VALUES (?, ?, ?, ?, ?)",
        arguments: [
          token.id, token.organization.name, token.createdAt.milliseconds, token.expiresAt?.milliseconds,
          token.revokedAt?.milliseconds,
        ]
      )
    }
  }

  package func token(_ id: String) throws(Failure) -> TokenRow? {
    try read("reading a token") { db in
      try Row.fetchOne(db, sql: "SELECT * FROM tokens WHERE id = ?", arguments: [id]).map(TokenRow.init(row:))
    }
  }

  package func tokens(of organization: OrganizationName) throws(Failure) -> [TokenRow] {
    try read("listing tokens") { db in
      try Row.fetchAll(
        db,
        sql: "SELECT * FROM tokens WHERE organization = ? ORDER BY id",
        arguments: [organization.name]
      ).map(TokenRow.init(row:))
    }
  }

  /// Ends a token; false when there is none of this id that still counts.
  @discardableResult
  package func revokeToken(_ id: String, at moment: Timestamp) throws(Failure) -> Bool {
    try write("revoking a token") { db in
      try db.execute(
        sql: "UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL",
        arguments: [moment.milliseconds, id]
      )
      return db.changesCount == 1
    }
  }

  /// A value kept over restarts.
  package func setting(_ key: String) throws(Failure) -> String? {
    try read("reading a setting") { db in
      try String.fetchOne(db, sql: "SELECT value FROM settings WHERE key = ?", arguments: [key])
    }
  }

  /// Sets the value; nil removes it.
  package func set(_ key: String, to value: String?) throws(Failure) {
    try write("saving a setting") { db in
      guard let value else {
        return try db.execute(sql: "DELETE FROM settings WHERE key = ?", arguments: [key])
      }
      try db.execute(
        sql: """
          INSERT INTO settings (key, value) VALUES (?, ?)
          ON CONFLICT (key) DO UPDATE SET value = excluded.value
          """,
        arguments: [key, value]
      )
    }
  }
}
