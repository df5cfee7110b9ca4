import Diagnostics
import GRDB
import OCI

extension Ledger {
  /// Adds a build; it must be PENDING.
  package func insert(_ build: BuildRecord) throws(Failure) {
    try write("saving a build") { db in
      try db.execute(
        sql: """
          INSERT INTO builds (id, organization, name, dockerfile, tags, build_args, platform, no_cache,
            timeout_seconds, source_kind, source_digest, source_context, git_url, git_reference, git_directory,
            git_commit, git_secret, may_use_starter, registry, repository, status, image_references, created_at)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          build.id.text, build.organization.name, build.name, build.dockerfile, try JSONColumn.text(build.tags),
          try JSONColumn.text(build.buildArgs), build.platform.description, build.noCache,
          Int64(clamping: build.timeoutSeconds), build.source.kind, build.source.digest?.description,
          build.source.context?.text, build.source.git?.url, build.source.git?.reference,
          build.source.git?.directory, build.source.git?.commit, build.source.git?.secret, build.mayUseStarter,
          build.registry, build.repository,
          build.status.rawValue, try JSONColumn.text(build.imageReferences), build.createdAt.milliseconds,
        ]
      )
    }
  }

  /// The build, when it is this organisation's.
  package func build(_ id: BuildID, of organization: OrganizationName) throws(Failure) -> BuildRecord? {
    try read("reading a build") { db in
      try Row.fetchOne(
        db,
        sql: "SELECT * FROM builds WHERE id = ? AND organization = ?",
        arguments: [id.text, organization.name]
      ).map(BuildRecord.init(row:))
    }
  }

  /// Notes which commit a git build's reference meant.
  package func setCommit(_ commit: String, of id: BuildID) throws(Failure) {
    try write("noting a build's commit") { db in
      try db.execute(
        sql: "UPDATE builds SET git_commit = ? WHERE id = ? AND source_kind = 'git'", arguments: [commit, id.text])
    }
  }

  /// Adds arguments that a running build has not been given by its caller to what is shown of it.
  package func addArguments(_ arguments: [String: String], to id: BuildID) throws(Failure) {
    try write("noting a build's arguments") { db in
      let row = try Row.fetchOne(db, sql: "SELECT * FROM builds WHERE id = ?", arguments: [id.text])
      guard let build = try row.map(BuildRecord.init(row:)) else { return }
      let all = build.buildArgs.merging(arguments) { own, _ in own }
      try db.execute(
        sql: "UPDATE builds SET build_args = ? WHERE id = ?", arguments: [try JSONColumn.text(all), id.text])
    }
  }

  /// PENDING → RUNNING; false when the build was not PENDING (cancelled meanwhile, say).
  package func markRunning(_ id: BuildID, at moment: Timestamp) throws(Failure) -> Bool {
    try write("starting a build") { db in
      try db.execute(
        sql: "UPDATE builds SET status = 'running', started_at = ? WHERE id = ? AND status = 'pending'",
        arguments: [moment.milliseconds, id.text]
      )
      return db.changesCount == 1
    }
  }

  /// Brings a build to a terminal state; false when it was in one already, which then stays as it is.
  ///
  /// SUCCEEDED and FAILED only from RUNNING; CANCELLED from PENDING too. Nothing else moves a build's state but
  /// `markRunning` and the commit of its image (`putManifest`).
  package func finish(
    _ id: BuildID,
    status: BuildStatus,
    failure: Failure? = nil,
    references: [String] = [],
    manifest: Digest? = nil,
    metrics: BuildMetrics? = nil,
    at moment: Timestamp
  ) throws(Failure) -> Bool {
    guard status.isTerminal else { return false }
    let origins = status == .cancelled ? "('pending', 'running')" : "('running')"
    return try write("finishing a build") { db in
      try db.execute(
        sql: """
          UPDATE builds SET status = ?, failure = ?, image_references = ?, manifest = ?, duration_ms = ?,
            image_size = ?, layer_count = ?, cache_used = ?, completed_at = ?
          WHERE id = ? AND status IN \(origins)
          """,
        arguments: [
          status.rawValue, try JSONColumn.text(ifPresent: failure), try JSONColumn.text(references),
          manifest?.description, metrics?.durationMilliseconds, metrics?.imageSize.bytes, metrics?.layerCount,
          metrics?.cacheUsed, moment.milliseconds, id.text,
        ]
      )
      return db.changesCount == 1
    }
  }

  /// A page of an organisation's builds, newest first: those older than `cursor`, the last one of the page before.
  /// Builds that begin meanwhile are newer than any cursor, so that pages never shift.
  package func builds(
    of organization: OrganizationName,
    status: BuildStatus? = nil,
    after cursor: BuildID? = nil,
    limit: Int
  ) throws(Failure) -> [BuildRecord] {
    var arguments: StatementArguments = [organization.name]
    if let status { arguments += [status.rawValue] }
    if let cursor { arguments += [cursor.text] }
    return try read("listing builds") { db in
      try Row.fetchAll(
        db,
        sql: BuildQuery.page(byStatus: status != nil, after: cursor != nil),
        arguments: arguments + [max(0, limit)]
      ).map(BuildRecord.init(row:))
    }
  }

  /// How many builds there are, of every organisation and status, counted to `most`: a million rows take longer to
  /// count than a start may take.
  package func buildCount(upTo most: Int = 10_000) throws(Failure) -> Int {
    try read("counting builds") { db in try Int.fetchOne(db, sql: BuildQuery.count, arguments: [most]) ?? 0 }
  }

  /// The highest identifier there is, of whatever organisation.
  package func highestBuildID() throws(Failure) -> BuildID? {
    try read("looking for the newest build") { db in
      try String.fetchOne(db, sql: "SELECT max(id) FROM builds").map(BuildID.init(unchecked:))
    }
  }

  /// Takes back a build that its caller was told does not exist; only a PENDING one.
  package func discard(_ id: BuildID) throws(Failure) {
    try write("taking back a build") { db in
      try db.execute(sql: "DELETE FROM builds WHERE id = ? AND status = 'pending'", arguments: [id.text])
    }
  }

  /// The builds of every organisation that ended last, latest first: after a kill, those whose terminal event may be
  /// missing are among them.
  package func lastCompletedBuilds(limit: Int) throws(Failure) -> [BuildRecord] {
    try read("listing the last completed builds") { db in
      try Row.fetchAll(
        db,
        sql: BuildQuery.lastCompleted,
        arguments: [max(0, limit)]
      ).map(BuildRecord.init(row:))
    }
  }

  /// Every organisation's PENDING and RUNNING builds, oldest first: what a start finds left over.
  package func unfinishedBuilds() throws(Failure) -> [BuildRecord] {
    try read("listing unfinished builds") { db in
      try Row.fetchAll(db, sql: BuildQuery.unfinished).map(BuildRecord.init(row:))
    }
  }

  /// The build, of whatever organisation, while it is PENDING or RUNNING.
  package func unfinishedBuild(_ id: BuildID) throws(Failure) -> BuildRecord? {
    try read("reading a build") { db in
      try Row.fetchOne(
        db, sql: "SELECT * FROM builds WHERE id = ? AND status IN ('pending', 'running')", arguments: [id.text]
      ).map(BuildRecord.init(row:))
    }
  }
}

extension BuildSource {
  fileprivate var kind: String {
    switch self {
    case .archive: "archive"
    case .git: "git"
    }
  }

  fileprivate var digest: Digest? {
    if case .archive(let digest, _) = self { digest } else { nil }
  }

  fileprivate var context: ContextID? {
    if case .archive(_, let context) = self { context } else { nil }
  }

  fileprivate var git: GitBuildSource? {
    if case .git(let source) = self { source } else { nil }
  }

  fileprivate init(row: Row) throws {
    let kind: String = row["source_kind"]
    switch kind {
    case "archive":
      guard let digest: String = row["source_digest"] else { throw Self.damaged(kind) }
      let context: String? = row["source_context"]
      self = .archive(try Digest(digest), context: context.map(ContextID.init(unchecked:)))
    case "git":
      guard let url: String = row["git_url"] else { throw Self.damaged(kind) }
      self = .git(
        GitBuildSource(
          url: url, reference: row["git_reference"] ?? "", directory: row["git_directory"] ?? "",
          commit: row["git_commit"], secret: row["git_secret"]))
    default: throw Self.damaged(kind)
    }
  }

  private static func damaged(_ kind: String) -> Failure {
    Failure(.dataLoss, reason: "ledger-damaged", "a build in the ledger has the unknown source '\(kind)'")
  }
}

extension BuildRecord {
  fileprivate init(row: Row) throws {
    let platform: String = row["platform"]
    self.init(
      id: BuildID(unchecked: row["id"]),
      organization: try OrganizationName(row["organization"]),
      name: row["name"],
      dockerfile: row["dockerfile"],
      tags: try JSONColumn.value([Tag].self, row["tags"]),
      buildArgs: try JSONColumn.value([String: String].self, row["build_args"]),
      platform: Platform(platform) ?? .host,
      noCache: row["no_cache"],
      timeoutSeconds: UInt64(row["timeout_seconds"] as Int64),
      source: try BuildSource(row: row),
      registry: row["registry"],
      repository: row["repository"],
      createdAt: Timestamp(milliseconds: row["created_at"])
    )
    mayUseStarter = row["may_use_starter"] ?? false
    status = BuildStatus(rawValue: row["status"]) ?? .failed
    failure = try (row["failure"] as String?).map { try JSONColumn.value(Failure.self, $0) }
    imageReferences = try JSONColumn.value([String].self, row["image_references"])
    manifest = try (row["manifest"] as String?).map { try Digest($0) }
    if let duration: Int64 = row["duration_ms"] {
      metrics = BuildMetrics(
        durationMilliseconds: duration,
        imageSize: ByteCount(row["image_size"] ?? 0),
        layerCount: row["layer_count"] ?? 0,
        cacheUsed: row["cache_used"] ?? false
      )
    }
    startedAt = (row["started_at"] as Int64?).map(Timestamp.init(milliseconds:))
    completedAt = (row["completed_at"] as Int64?).map(Timestamp.init(milliseconds:))
  }
}
