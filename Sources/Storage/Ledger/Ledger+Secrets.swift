import Diagnostics
import FoundationEssentials
import GRDB

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

  /// Removes one group of an organisation's build secrets, or all of them.
  package func deleteBuildSecrets(_ organization: OrganizationName, group: String?) throws(Failure) {
    try write("removing build secrets") { db in
      try db.execute(
        sql: "DELETE FROM build_secrets WHERE organization = ? AND (? IS NULL OR secret_group = ?)",
        arguments: [organization.name, group, group]
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
}
