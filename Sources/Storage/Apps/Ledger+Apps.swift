import Diagnostics
import GRDB
import OCI

extension Ledger {
  /// Adds an app; false when its organisation has one of the name.
  package func insert(_ app: AppRecord) throws(Failure) -> Bool {
    try write("saving an app") { db in try Self.insert(app, db) }
  }

  /// Adds the app where it is missing, and its draft in place of an earlier one; the draft with its number.
  /// Throws `app-exists` when the app `mustBeNew` and is not, and `app-unknown` when `ifMissing` is nil and it is.
  package func save(
    _ draft: AppDraft, ifMissing app: AppRecord?, mustBeNew: Bool = false
  ) throws(Failure) -> AppDraft {
    try write("saving a draft") { db in
      let isNew = try app.map { try Self.insert($0, db) } ?? false
      if mustBeNew, !isNew { throw Failure.appExists(draft.app) }
      try db.execute(
        sql: "UPDATE apps SET last_draft = last_draft + 1, updated_at = ? WHERE organization = ? AND name = ?",
        arguments: [draft.savedAt.milliseconds, draft.app.organization.name, draft.app.name.name])
      guard db.changesCount == 1 else { throw Failure.appUnknown(draft.app) }
      var draft = draft
      draft.number =
        try Int64.fetchOne(
          db, sql: "SELECT last_draft FROM apps WHERE organization = ? AND name = ?", arguments: draft.app.key) ?? 1
      try db.execute(
        sql: """
          INSERT OR REPLACE INTO app_drafts (organization, name, number, code, archive, code_hash, status, saved_at)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          draft.app.organization.name, draft.app.name.name, draft.number, try JSONColumn.text(draft.code),
          draft.code.archive?.description, draft.codeHash, draft.status.rawValue, draft.savedAt.milliseconds,
        ])
      return draft
    }
  }

  package func app(_ id: AppID) throws(Failure) -> AppRecord? {
    try read("reading an app") { db in try Self.app(id, db) }
  }

  /// An organisation's apps in the order of their names, those after `cursor`.
  package func apps(
    of organization: OrganizationName, after cursor: AppName? = nil, limit: Int
  ) throws(Failure) -> [AppRecord] {
    try read("listing apps") { db in
      try Row.fetchAll(
        db, sql: "SELECT * FROM apps WHERE organization = ? AND name > ? ORDER BY name LIMIT ?",
        arguments: [organization.name, cursor?.name ?? "", max(0, limit)]
      ).map(AppRecord.init(row:))
    }
  }

  /// Every organisation's apps: what a start has to know of them.
  package func allApps() throws(Failure) -> [AppRecord] {
    try read("listing apps") { db in
      try Row.fetchAll(db, sql: "SELECT * FROM apps ORDER BY organization, name").map(AppRecord.init(row:))
    }
  }

  /// Changes an app's configuration; the app as it is then. Throws `app-unknown`, and what `change` throws.
  package func configure(
    _ id: AppID, at moment: Timestamp, _ change: (inout AppConfiguration) throws -> Void
  ) throws(Failure) -> AppRecord {
    try write("changing an app") { db in
      guard var app = try Self.app(id, db) else { throw Failure.appUnknown(id) }
      let before = app.configuration
      try change(&app.configuration)
      guard app.configuration != before else { return app }
      app.configurationNumber += 1
      app.updatedAt = moment
      try db.execute(
        sql: """
          UPDATE apps SET configuration = ?, configuration_number = ?, updated_at = ?
          WHERE organization = ? AND name = ?
          """,
        arguments: [try JSONColumn.text(app.configuration), app.configurationNumber, moment.milliseconds] + id.key)
      return app
    }
  }

  /// Removes an app with its drafts, versions, compiles and executions; false when there is none.
  package func delete(_ id: AppID) throws(Failure) -> Bool {
    try write("removing an app") { db in
      try db.execute(sql: "DELETE FROM apps WHERE organization = ? AND name = ?", arguments: id.key)
      return db.changesCount == 1
    }
  }

  // MARK: - Versions

  /// Makes the app's draft its next version, and that the active one, as long as the draft still is `number` and has
  /// its image. Throws `draft-changed` otherwise.
  package func publish(_ id: AppID, draft number: Int64, at moment: Timestamp) throws(Failure) -> AppVersionRecord {
    try write("publishing an app") { db in
      guard let app = try Self.app(id, db) else { throw Failure.appUnknown(id) }
      guard let draft = try Self.draft(id, db), draft.number == number, let image = draft.image else {
        throw Failure(
          .aborted, reason: "draft-changed", "the draft of app '\(id)' was saved anew while it was being published",
          hint: "publish it again")
      }
      let next =
        try UInt32.fetchOne(
          db,
          sql: """
            UPDATE apps SET last_version = last_version + 1, active_version = last_version + 1, updated_at = ?
            WHERE organization = ? AND name = ? RETURNING last_version
            """, arguments: [moment.milliseconds] + id.key) ?? 0
      let version = AppVersionRecord(
        app: id, version: AppVersion(next), code: draft.code, codeHash: draft.codeHash, image: image,
        configuration: app.configuration, publishedAt: moment)
      try db.execute(
        sql: """
          INSERT INTO app_versions
            (organization, name, version, code, archive, code_hash, image, configuration, published_at)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          id.organization.name, id.name.name, next, try JSONColumn.text(version.code),
          version.code.archive?.description, version.codeHash, try JSONColumn.text(image),
          try JSONColumn.text(version.configuration), moment.milliseconds,
        ])
      return version
    }
  }

  /// Makes a published version the active one. Throws `app-unknown` and `version-unknown`.
  package func activate(_ version: AppVersion, of id: AppID, at moment: Timestamp) throws(Failure) -> AppVersionRecord {
    try write("activating a version") { db in
      guard try Self.app(id, db) != nil else { throw Failure.appUnknown(id) }
      guard let record = try Self.version(version, of: id, db) else { throw Failure.versionUnknown(version, of: id) }
      try db.execute(
        sql: "UPDATE apps SET active_version = ?, updated_at = ? WHERE organization = ? AND name = ?",
        arguments: [version.number, moment.milliseconds] + id.key)
      return record
    }
  }

  /// Makes the version that serves the active one again, unless another than the one that does not was made it meanwhile.
  package func putBack(
    _ version: AppVersion, insteadOf other: AppVersion, of id: AppID, at moment: Timestamp
  ) throws(Failure) {
    try write("putting a version back") { db in
      try db.execute(
        sql: """
          UPDATE apps SET active_version = ?, updated_at = ? WHERE organization = ? AND name = ? AND active_version = ?
          """, arguments: [version.number, moment.milliseconds] + id.key + [other.number])
    }
  }

  package func version(_ version: AppVersion, of id: AppID) throws(Failure) -> AppVersionRecord? {
    try read("reading a version") { db in try Self.version(version, of: id, db) }
  }

  /// An app's versions, newest first.
  package func versions(of id: AppID) throws(Failure) -> [AppVersionRecord] {
    try read("listing versions") { db in
      try Row.fetchAll(
        db, sql: "SELECT * FROM app_versions WHERE organization = ? AND name = ? ORDER BY version DESC",
        arguments: id.key
      ).map(AppVersionRecord.init(row:))
    }
  }

  // MARK: - Rows

  private static func insert(_ app: AppRecord, _ db: Database) throws -> Bool {
    try db.execute(
      sql: """
        INSERT OR IGNORE INTO apps
          (organization, name, configuration, configuration_number, last_version, last_draft, created_at, updated_at)
        VALUES (?, ?, ?, ?, 0, 0, ?, ?)
        """,
      arguments: [
        app.id.organization.name, app.id.name.name, try JSONColumn.text(app.configuration), app.configurationNumber,
        app.createdAt.milliseconds, app.updatedAt.milliseconds,
      ])
    return db.changesCount == 1
  }

  static func app(_ id: AppID, _ db: Database) throws -> AppRecord? {
    try Row.fetchOne(db, sql: "SELECT * FROM apps WHERE organization = ? AND name = ?", arguments: id.key)
      .map(AppRecord.init(row:))
  }

  private static func version(_ version: AppVersion, of id: AppID, _ db: Database) throws -> AppVersionRecord? {
    try Row.fetchOne(
      db, sql: "SELECT * FROM app_versions WHERE organization = ? AND name = ? AND version = ?",
      arguments: id.key + [version.number]
    ).map(AppVersionRecord.init(row:))
  }
}

extension Failure {
  /// An app of that name is there.
  package static func appExists(_ id: AppID) -> Failure {
    Failure(
      .alreadyExists, reason: "app-exists", "app '\(id)' exists",
      hint: "change it with: kindling app update \(id.name), or take another name")
  }

  /// No such app, for whoever asks in its organisation.
  package static func appUnknown(_ id: AppID) -> Failure {
    Failure(
      .notFound, reason: "app-unknown", "app '\(id.name)' does not exist in organisation '\(id.organization)'",
      hint: "list what is there with: kindling app list")
  }

  /// No such version of an app that is there.
  package static func versionUnknown(_ version: AppVersion, of id: AppID) -> Failure {
    Failure(
      .notFound, reason: "version-unknown", "app '\(id)' has no version \(version)",
      hint: "list them with: kindling version list \(id.name)")
  }
}

extension AppID {
  /// As the first two members of every key.
  var key: StatementArguments { [organization.name, name.name] }

  fileprivate init(row: Row) throws {
    self.init(organization: try OrganizationName(row["organization"]), name: try AppName(row["name"]))
  }

  static func of(_ row: Row) throws -> AppID { try AppID(row: row) }
}

extension AppRecord {
  fileprivate init(row: Row) throws {
    self.init(
      id: try AppID.of(row), configuration: try JSONColumn.value(AppConfiguration.self, row["configuration"]),
      configurationNumber: row["configuration_number"],
      activeVersion: (row["active_version"] as UInt32?).map { AppVersion($0) },
      createdAt: Timestamp(milliseconds: row["created_at"]), updatedAt: Timestamp(milliseconds: row["updated_at"]))
  }
}

extension AppVersionRecord {
  fileprivate init(row: Row) throws {
    self.init(
      app: try AppID.of(row), version: AppVersion(row["version"]),
      code: try JSONColumn.value(AppCode.self, row["code"]), codeHash: row["code_hash"],
      image: try JSONColumn.value(AppImage.self, row["image"]),
      configuration: try JSONColumn.value(AppConfiguration.self, row["configuration"]),
      publishedAt: Timestamp(milliseconds: row["published_at"]))
  }
}
