import Diagnostics
import Runner
import Storage

extension ComputeService {
  /// The app's versions, newest first, which of them is active, and which was to be and did not become ready.
  package func versions(
    _ organization: String, _ name: String, as caller: Identity
  ) async throws(Failure) -> (versions: [AppVersionRecord], active: AppVersion?, unready: AppVersion?) {
    try caller.require(.listAppVersions)
    let record = try record(try app(organization, name, of: caller))
    return (try data.ledger.versions(of: record.id), record.activeVersion, fleet.status(of: record.id).unready)
  }

  /// The app as it was when the version was published.
  package func version(
    _ organization: String, _ name: String, _ number: UInt32, as caller: Identity
  ) async throws(Failure) -> AppView {
    try caller.require(.getApp)
    let record = try record(try app(organization, name, of: caller))
    guard let version = try data.ledger.version(AppVersion(number), of: record.id) else {
      throw Failure.versionUnknown(AppVersion(number), of: record.id)
    }
    var view = try view(record)
    view.configuration = version.configuration
    view.version = version.version
    view.image = version.image
    view.code = version.code
    return view
  }

  /// Makes an earlier version the active one; its image is not built again. Calls go over as with publishing. Throws why
  /// the version can't start or doesn't become ready; nothing has changed then. The version that is active already gets
  /// another try.
  package func rollback(
    _ organization: String, _ name: String, to number: UInt32, as caller: Identity
  ) async throws(Failure) -> AppVersion {
    try caller.require(.rollbackApp)
    let id = try app(organization, name, of: caller)
    _ = try record(id)
    guard number > 0 else {
      throw Failure(
        .invalidArgument, reason: "version-invalid",
        "version 0 is the draft, which is published and not rolled back to",
        hint: "list versions with: kindling version list \(id.name)")
    }
    if let known = try data.ledger.version(AppVersion(number), of: id), let failure = revisions.refusal(of: known.image)
    {
      throw failure
    }
    let version = try data.ledger.activate(AppVersion(number), of: id, at: data.clock.now())
    if let failure = await deploy(id) { throw failure }
    return version.version
  }
}
