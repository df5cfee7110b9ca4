import Diagnostics
import GRDB

extension Ledger {
  /// How many builds there are, of every organisation: for the banner, not for a decision.
  package func buildCount() throws(Failure) -> Int {
    try read("counting builds") { db in try Int.fetchOne(db, sql: "SELECT count(*) FROM builds") ?? 0 }
  }
}
