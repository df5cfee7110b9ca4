import Diagnostics
import Storage

extension ComputeService {
  /// The app's versions, newest first, and which of them is active.
  package func versions(
    _ organization: String, _ name: String, as caller: Identity
  ) async throws(Failure) -> (versions: [AppVersionRecord], active: AppVersion?) {
    try caller.require(.listAppVersions)
    let record = try record(try app(organization, name, of: caller))
    return (try data.ledger.versions(of: record.id), record.activeVersion)
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

  /// Makes an earlier version the active one; its image is not built again. Calls go over as with publishing.
  package func rollback(
    _ organization: String, _ name: String, to number: UInt32, as caller: Identity
  ) async throws(Failure) -> AppVersion {
    try caller.require(.rollbackApp)
    let id = try app(organization, name, of: caller)
    let record = try record(id)
    guard number > 0 else {
      throw Failure(
        .invalidArgument, reason: "version-invalid",
        "version 0 is the draft, which is published and not rolled back to",
        hint: "list versions with: kindling version list \(id.name)")
    }
    let version = try data.ledger.activate(AppVersion(number), of: id, at: data.clock.now())
    if record.activeVersion != version.version { _ = await deploy(id) }
    return version.version
  }
}
