import Diagnostics
import GRDB

extension Ledger {
  /// What a reset that keeps caches leaves: the layers that steps made, and what the steps were made of.
  private static let stepTables: Set<String> = ["layers", "step_cache", "step_inputs", "grdb_migrations"]

  /// Empties every table but those of the steps, in one transaction.
  func forgetAllButSteps() throws(Failure) {
    try write("resetting the ledger") { db in
      let tables = try String.fetchAll(
        db, sql: "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
      for table in tables where !Self.stepTables.contains(table) {
        try db.execute(sql: "DELETE FROM \"\(table)\"")
      }
    }
  }
}
