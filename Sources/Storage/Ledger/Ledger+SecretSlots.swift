import Diagnostics
import FoundationEssentials
import GRDB

extension Ledger {
  /// The credentials that apps are pulled and built with, one sealed value each.
  static let secretSlotTable = """
    CREATE TABLE secret_slots (
      organization TEXT NOT NULL,
      name TEXT NOT NULL,
      type TEXT NOT NULL,              -- 'git_secret' or 'registry_secret'
      sealed BLOB NOT NULL,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      PRIMARY KEY (organization, name)
    ) STRICT, WITHOUT ROWID;
    """

  /// Makes a slot, or puts another value and type into the one of that name, which keeps the moment it was made at.
  /// Returns the row; nil, and nothing changes, when it would be one more than `limit` of its organisation.
  package func saveSecretSlot(
    _ record: SecretSlotRecord, limit: Int
  ) throws(Failure) -> SecretSlotRecord? {
    try write("saving a secret") { db in
      let organization = record.organization.name
      let others = try Int.fetchOne(
        db, sql: "SELECT count(*) FROM secret_slots WHERE organization = ? AND name <> ?",
        arguments: [organization, record.name.name])
      guard let others, others < limit else { return nil }
      try db.execute(
        sql: """
          INSERT INTO secret_slots (organization, name, type, sealed, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)
          ON CONFLICT (organization, name) DO UPDATE
          SET type = excluded.type, sealed = excluded.sealed, updated_at = max(created_at, excluded.updated_at)
          """,
        arguments: [
          organization, record.name.name, record.type.rawValue, Data(record.sealed), record.createdAt.milliseconds,
          record.updatedAt.milliseconds,
        ])
      return try Self.secretSlots(db, of: record.organization, named: record.name).first
    }
  }

  /// One slot of an organisation; nil when it has none of that name.
  package func secretSlot(
    _ name: SecretSlotName, of organization: OrganizationName
  ) throws(Failure) -> SecretSlotRecord? {
    try read("reading a secret") { db in try Self.secretSlots(db, of: organization, named: name).first }
  }

  /// All slots of an organisation by name.
  package func secretSlots(of organization: OrganizationName) throws(Failure) -> [SecretSlotRecord] {
    try read("reading secrets") { db in try Self.secretSlots(db, of: organization, named: nil) }
  }

  /// Removes a slot; one that is not there is no error.
  package func deleteSecretSlot(_ name: SecretSlotName, of organization: OrganizationName) throws(Failure) {
    try write("removing a secret") { db in
      try db.execute(
        sql: "DELETE FROM secret_slots WHERE organization = ? AND name = ?", arguments: [organization.name, name.name])
    }
  }

  private static func secretSlots(
    _ db: Database, of organization: OrganizationName, named name: SecretSlotName?
  ) throws -> [SecretSlotRecord] {
    let rows = try Row.fetchAll(
      db, sql: "SELECT * FROM secret_slots WHERE organization = ? AND (? IS NULL OR name = ?) ORDER BY name",
      arguments: [organization.name, name?.name, name?.name])
    return try rows.compactMap { row in
      guard let type = SecretSlotType(rawValue: row["type"]) else { return nil }
      return SecretSlotRecord(
        organization: organization, name: try SecretSlotName(row["name"]), type: type,
        sealed: Array(row["sealed"] as Data), createdAt: Timestamp(milliseconds: row["created_at"]),
        updatedAt: Timestamp(milliseconds: row["updated_at"]))
    }
  }
}
