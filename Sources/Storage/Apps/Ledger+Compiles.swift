import Diagnostics
import GRDB
import OCI

extension Ledger {
  /// The app's draft; nil when none was saved.
  package func draft(of id: AppID) throws(Failure) -> AppDraft? {
    try read("reading a draft") { db in try Self.draft(id, db) }
  }

  /// Begins a compile of the draft as it is, which is COMPILING from now on; nil when it was saved anew meanwhile.
  package func beginCompile(_ deploy: DeployID, of draft: AppDraft) throws(Failure) -> CompileRecord? {
    try write("beginning a compile") { db in
      try db.execute(
        sql: """
          UPDATE app_drafts SET status = 'compiling', deploy = ?, failure = NULL, image = NULL
          WHERE organization = ? AND name = ? AND number = ?
          """, arguments: [deploy.text] + draft.app.key + [draft.number])
      guard db.changesCount == 1 else { return nil }
      try db.execute(
        sql: "INSERT INTO compiles (deploy, organization, name, draft_number) VALUES (?, ?, ?, ?)",
        arguments: [deploy.text] + draft.app.key + [draft.number])
      return CompileRecord(id: deploy, app: draft.app, draft: draft.number)
    }
  }

  /// Notes which build a compile waits for.
  package func setBuild(_ build: BuildID, of deploy: DeployID) throws(Failure) {
    try write("noting a compile's build") { db in
      try db.execute(sql: "UPDATE compiles SET build = ? WHERE deploy = ?", arguments: [build.text, deploy.text])
    }
  }

  /// Ends a compile, and brings what came of it to the draft that it is the last one of. Of a compile that has ended
  /// nothing changes.
  package func endCompile(
    _ deploy: DeployID, _ result: Result<AppImage, Failure>, at moment: Timestamp
  ) throws(Failure) {
    try write("ending a compile") { db in
      try db.execute(
        sql: "UPDATE compiles SET completed_at = ? WHERE deploy = ? AND completed_at IS NULL",
        arguments: [moment.milliseconds, deploy.text])
      guard db.changesCount == 1 else { return }
      var image: String?
      var failure: String?
      switch result {
      case .success(let made): image = try JSONColumn.text(made)
      case .failure(let why): failure = try JSONColumn.text(why)
      }
      try db.execute(
        sql: "UPDATE app_drafts SET status = ?, failure = ?, image = ? WHERE deploy = ?",
        arguments: [image == nil ? "failed" : "compiled", failure, image, deploy.text])
    }
  }

  /// The compile, when it is this organisation's.
  package func compile(_ deploy: DeployID, of organization: OrganizationName) throws(Failure) -> CompileRecord? {
    try read("reading a compile") { db in
      try Row.fetchOne(
        db, sql: "SELECT * FROM compiles WHERE deploy = ? AND organization = ?",
        arguments: [deploy.text, organization.name]
      ).map(CompileRecord.init(row:))
    }
  }

  /// Every organisation's compiles that have not ended: what a start finds left over.
  package func unfinishedCompiles() throws(Failure) -> [CompileRecord] {
    try read("listing unfinished compiles") { db in
      try Row.fetchAll(db, sql: "SELECT * FROM compiles WHERE completed_at IS NULL ORDER BY deploy")
        .map(CompileRecord.init(row:))
    }
  }

  static func draft(_ id: AppID, _ db: Database) throws -> AppDraft? {
    try Row.fetchOne(db, sql: "SELECT * FROM app_drafts WHERE organization = ? AND name = ?", arguments: id.key)
      .map(AppDraft.init(row:))
  }
}

extension AppDraft {
  fileprivate init(row: Row) throws {
    self.init(
      app: try AppID.of(row), code: try JSONColumn.value(AppCode.self, row["code"]), codeHash: row["code_hash"],
      savedAt: Timestamp(milliseconds: row["saved_at"]))
    number = row["number"]
    status = Status(rawValue: row["status"]) ?? .failed
    deploy = (row["deploy"] as String?).map(DeployID.init(unchecked:))
    failure = try (row["failure"] as String?).map { try JSONColumn.value(Failure.self, $0) }
    image = try (row["image"] as String?).map { try JSONColumn.value(AppImage.self, $0) }
  }
}

extension CompileRecord {
  fileprivate init(row: Row) throws {
    self.init(
      id: DeployID(unchecked: row["deploy"]), app: try AppID.of(row), draft: row["draft_number"],
      build: (row["build"] as String?).map(BuildID.init(unchecked:)),
      completedAt: (row["completed_at"] as Int64?).map(Timestamp.init(milliseconds:)))
  }
}
