import Diagnostics
import FoundationEssentials
import GRDB

extension Ledger {
  /// Adds an execution, which is RUNNING, and forgets the app's oldest ended ones beyond `kept`.
  package func insert(_ execution: ExecutionRecord, keeping kept: Int) throws(Failure) {
    try write("saving an execution") { db in
      guard try Self.app(execution.app, db) != nil else { throw Failure.appUnknown(execution.app) }
      try db.execute(
        sql: "INSERT INTO executions (id, organization, name, caller, status, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        arguments: [
          execution.id.text, execution.app.organization.name, execution.app.name.name, execution.caller.name,
          execution.status.rawValue, execution.createdAt.milliseconds,
        ])
      try db.execute(
        sql: """
          DELETE FROM executions WHERE organization = ?1 AND name = ?2 AND completed_at IS NOT NULL AND id <=
            (SELECT id FROM executions WHERE organization = ?1 AND name = ?2 ORDER BY id DESC LIMIT 1 OFFSET ?3)
          """, arguments: execution.app.key + [max(1, kept)])
    }
  }

  /// Ends a RUNNING execution; false when it has ended, or is gone with its app.
  package func finish(_ execution: ExecutionRecord) throws(Failure) -> Bool {
    try write("ending an execution") { db in
      try db.execute(
        sql: """
          UPDATE executions SET status = ?, status_code = ?, output = ?, error = ?, completed_at = ?
          WHERE id = ? AND completed_at IS NULL
          """,
        arguments: [
          execution.status.rawValue, execution.statusCode, Data(execution.output), execution.error,
          execution.completedAt?.milliseconds, execution.id.text,
        ])
      return db.changesCount == 1
    }
  }

  /// The execution, when this organisation called it or has its app.
  package func execution(
    _ id: ExecutionID, of organization: OrganizationName
  ) throws(Failure) -> ExecutionRecord? {
    try read("reading an execution") { db in
      try Row.fetchOne(
        db, sql: "SELECT * FROM executions WHERE id = ?1 AND (organization = ?2 OR caller = ?2)",
        arguments: [id.text, organization.name]
      ).map(ExecutionRecord.init(row:))
    }
  }

  /// FAILED for every execution that has not ended: nobody calls for it any more. How many those were.
  @discardableResult
  package func interruptExecutions(_ error: String, at moment: Timestamp) throws(Failure) -> Int {
    try write("ending interrupted executions") { db in
      try db.execute(
        sql: "UPDATE executions SET status = 'failed', error = ?, completed_at = ? WHERE completed_at IS NULL",
        arguments: [error, moment.milliseconds])
      return db.changesCount
    }
  }
}

extension ExecutionRecord {
  fileprivate init(row: Row) throws {
    self.init(
      id: ExecutionID(unchecked: row["id"]), app: try AppID.of(row), caller: try OrganizationName(row["caller"]),
      createdAt: Timestamp(milliseconds: row["created_at"]))
    status = Status(rawValue: row["status"]) ?? .failed
    statusCode = row["status_code"]
    output = Array((row["output"] as Data?) ?? Data())
    error = row["error"]
    completedAt = (row["completed_at"] as Int64?).map(Timestamp.init(milliseconds:))
  }
}
