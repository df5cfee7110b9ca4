import Diagnostics
import Runner
import Storage

extension ComputeService {
  private static let defaultPageSize = 50
  private static let largestPage = 200

  /// Makes an app, and its draft where code comes with it: both or neither.
  package func createApp(
    _ organization: String, _ name: String, _ configuration: AppConfiguration, _ code: CodeOrder,
    as caller: Identity
  ) async throws(Failure) -> AppView {
    try caller.require(.deployApp)
    let id = try app(organization, name, of: caller)
    try configuration.check()
    try configuration.checkLabels(of: id)
    let now = data.clock.now()
    let record = AppRecord(id: id, configuration: configuration, createdAt: now, updatedAt: now)
    if case .missing = code {
      guard try data.ledger.insert(record) else { throw Failure.appExists(id) }
    } else {
      // What is there is told before what is wrong with the code.
      guard try data.ledger.app(id) == nil else { throw Failure.appExists(id) }
      let draft = AppDraft(app: id, checked: try self.code(code, for: id), savedAt: now)
      _ = try data.ledger.save(draft, ifMissing: record, mustBeNew: true)
    }
    directory.set(record)
    return try view(record)
  }

  package func app(_ organization: String, _ name: String, as caller: Identity) async throws(Failure) -> AppView {
    try caller.require(.getApp)
    return try view(try record(try app(organization, name, of: caller)))
  }

  /// A page of the caller's apps by name; `limit` 0 means 50, at most 200.
  package func apps(
    _ organization: String, limit: Int, cursor: String, as caller: Identity
  ) async throws(Failure) -> (apps: [AppView], nextCursor: String) {
    try caller.require(.listApps)
    try check(organization, of: caller)
    let size = limit <= 0 ? Self.defaultPageSize : min(limit, Self.largestPage)
    let cursors = SealedCursor(data, "list-apps/\(caller.organization)", of: "ListApps", first: "first app")
    let after = cursor.isEmpty ? nil : try AppName(try cursors.last(in: cursor))
    let found = try data.ledger.apps(of: caller.organization, after: after, limit: size + 1)
    var views: [AppView] = []
    for record in found.prefix(size) { views.append(try view(record)) }
    guard found.count > size, let last = views.last else { return (views, "") }
    return (views, try cursors.text(after: last.record.id.name.name))
  }

  /// Changes what the change carries. Where the app serves, its replicas are replaced by ones with the new
  /// configuration; the answer waits for those.
  package func updateApp(
    _ organization: String, _ name: String, _ change: AppChange, as caller: Identity
  ) async throws(Failure) -> AppView {
    try caller.require(.deployApp)
    let id = try app(organization, name, of: caller)
    let before = try record(id)
    let after = try data.ledger.configure(id, at: data.clock.now()) { configuration in
      let ports = configuration.ports
      try configuration.apply(change)
      try configuration.check()
      if configuration.ports != ports { try configuration.checkLabels(of: id) }
    }
    directory.set(after)
    if after.configurationNumber != before.configurationNumber, after.activeVersion != nil { _ = await deploy(id) }
    return try view(try record(id))
  }

  /// Removes the app, everything that goes with it, and its replicas.
  package func deleteApp(_ organization: String, _ name: String, as caller: Identity) async throws(Failure) {
    try caller.require(.deployApp)
    let id = try app(organization, name, of: caller)
    let draft = try data.ledger.draft(of: id)
    guard try data.ledger.delete(id) else { throw Failure.appUnknown(id) }
    directory.remove(id)
    if let deploy = draft?.deploy { await compiles.cancel(deploy) }
    await fleet.remove(id)
  }

  package func state(
    of organization: String, _ name: String, as caller: Identity
  ) async throws(Failure) -> (view: AppView, urls: [String]) {
    try caller.require(.getApp)
    let id = try app(organization, name, of: caller)
    return (try view(try record(id)), urls(of: id))
  }
}
