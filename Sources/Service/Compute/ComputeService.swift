import Diagnostics
import Runner
import Storage

/// The use-cases of the contract's ComputeService, as far as images go: what each RPC decides, whichever door it came by.
///
/// A caller names its organisation in every request, and none but its own.
package final class ComputeService: Sendable {
  /// What the house decides.
  package struct Settings: Sendable {
    /// SaveDraft makes no apps.
    package var isStrict = false
    package var version = ""
    /// An app's URL by its label.
    package var address: @Sendable (String) -> String = { "http://\($0).ignite.localhost" }
    package init() {}
  }

  let data: DataDirectory
  let builds: BuildService
  let compiles: Compiles
  let executions: Executions
  let revisions: AppRevisions
  let fleet: any AppFleet
  let caller: any AppCaller
  let settings: Settings
  /// The same for the host-name door.
  package let directory: KnownApps
  /// What goes wrong on demand; none unless set.
  package let faults: FaultBoard

  package init(
    data: DataDirectory, builds: BuildService, images: AppImages, revisions: AppRevisions, directory: KnownApps,
    fleet: any AppFleet, caller: any AppCaller, settings: Settings = Settings()
  ) {
    self.data = data
    self.builds = builds
    self.revisions = revisions
    self.directory = directory
    self.fleet = fleet
    self.caller = caller
    self.settings = settings
    faults = builds.faults
    compiles = Compiles(data: data, builds: builds, images: images)
    executions = Executions(data: data, caller: caller)
  }

  // MARK: - The life of the service

  /// Takes over what the last run of the server left; the build queue has done so before.
  package func recover() async throws(Failure) {
    try executions.recover()
    try await compiles.recover()
    for app in try data.ledger.allApps() { directory.set(app) }
  }

  /// The apps that keep replicas when nobody calls them.
  package var reservedApps: [AppID] {
    ((try? data.ledger.allApps()) ?? []).filter { $0.configuration.reservedReplicas > 0 && $0.activeVersion != nil }
      .map(\.id)
  }

  /// Ends compiles and executions; calls and replicas are the fleet's to end.
  package func stop() async {
    await compiles.stop()
    await executions.stop()
  }

  // MARK: - What all share

  /// The app a request names. Throws PERMISSION_DENIED for another organisation's, whether it exists or not.
  func app(_ organization: String, _ name: String, of caller: Identity) throws(Failure) -> AppID {
    try check(organization, of: caller)
    return AppID(organization: caller.organization, name: try AppName(name))
  }

  func check(_ organization: String, of caller: Identity) throws(Failure) {
    guard !organization.isEmpty else {
      throw Failure(
        .invalidArgument, reason: "organization-missing", "the request names no organisation",
        hint: "set organization_name to '\(caller.organization)', which the token is of")
    }
    guard organization == caller.organization.name else {
      throw Failure(
        .permissionDenied, reason: "organization-denied",
        "the token is of organisation '\(caller.organization)', not of '\(Shown.text(organization))'",
        hint: "use that organisation's own: kindling token --org NAME")
    }
  }

  func record(_ id: AppID) throws(Failure) -> AppRecord {
    guard let record = try data.ledger.app(id) else { throw Failure.appUnknown(id) }
    return record
  }

  /// Lets the fleet run what is active now. Returns why it could not: then calls go on as before, or find none.
  ///
  /// Two of these at once may reach the fleet in the wrong order, so each looks again when it is through.
  func deploy(_ id: AppID) async -> Failure? {
    var last: AppRevision?
    var failure: Failure?
    for _ in 0..<8 {
      guard let now = try? revisions.current(id), now != last else { break }
      do throws(Failure) {
        try await fleet.activate(now)
        failure = nil
      } catch { failure = error }
      last = now
    }
    if failure != nil, let last { try? keepServed(instead: last) }
    return failure
  }

  /// What did not become ready is not the active version: after a restart it would be started in place of the one that
  /// serves.
  private func keepServed(instead revision: AppRevision) throws(Failure) {
    guard let served = fleet.status(of: revision.app).active, served != revision.version, served != .draft else {
      return
    }
    try data.ledger.putBack(served, insteadOf: revision.version, of: revision.app, at: data.clock.now())
  }

  /// The app as its organisation sees it.
  func view(_ record: AppRecord, withURLs: Bool = true) throws(Failure) -> AppView {
    let version = try record.activeVersion.map { (number) throws(Failure) in
      try data.ledger.version(number, of: record.id)
    }
    let draft = version == nil ? try data.ledger.draft(of: record.id) : nil
    var state = DeploymentState(
      record, fleet.status(of: record.id), refusal: (version ?? nil).flatMap { revisions.refusal(of: $0.image) })
    state.clash = directory.clash(of: record.id)
    return AppView(
      record: record, configuration: record.configuration, version: (version ?? nil)?.version ?? .draft,
      image: (version ?? nil)?.image ?? draft?.image, code: (version ?? nil)?.code ?? draft?.code,
      state: state)
  }

  func urls(of id: AppID) -> [String] { directory.labels(of: id).map(settings.address) }
}

/// An app, or one version of it, with everything that its message says.
package struct AppView: Sendable {
  package var record: AppRecord
  /// The app's own, or what it was when the version was published.
  package var configuration: AppConfiguration
  package var version: AppVersion
  package var image: AppImage?
  package var code: AppCode?
  package var state: DeploymentState
}

/// How far an app is, from what the ledger says and how its replicas stand.
package struct DeploymentState: Sendable, Hashable {
  package enum Phase: String, Sendable, Hashable { case created, deploying, active, failed }

  package var phase: Phase
  package var readyReplicas: Int
  /// Why it is FAILED, or what goes wrong while it serves.
  package var failure: Failure?
  /// What was to be served and did not become ready, so that calls go on getting `served`.
  package private(set) var unready: AppVersion?
  package private(set) var served: AppVersion?
  /// Which host name of the app is another one's.
  var clash: String?

  /// All that is wrong, for a field without room for more; empty when nothing is.
  package var error: String { [failureText, clash].compactMap { $0 }.joined(separator: "; ") }

  private var failureText: String? {
    guard let failure else { return nil }
    guard let unready, let served else { return failure.oneLine }
    return unready == served
      ? "the new configuration did not become ready: \(failure.oneLine); version \(served) still serves with the one before"
      : "version \(unready) did not become ready: \(failure.oneLine); version \(served) still serves"
  }

  /// `refusal` says why the active version can never start; that makes it FAILED before anybody calls. So does what was
  /// published last and did not become ready, until something else is.
  ///
  /// ACTIVE is also an app that nobody calls, which has no replica.
  init(_ app: AppRecord, _ status: FleetStatus, refusal: Failure? = nil) {
    guard let active = app.activeVersion else {
      self.init(phase: .created, readyReplicas: 0, failure: nil)
      return
    }
    let replicas = status.replicas.filter { $0.version != .draft }
    let ready = replicas.filter { $0.state == .ready }
    let isServed = ready.contains { $0.version == active }
    let isStarting = replicas.contains { $0.state == .starting }
    let failure = status.failure ?? (isServed ? nil : refusal)
    let phase: Phase =
      if status.unready != nil { .failed } else if isServed { .active } else if failure != nil {
        .failed
      } else if isStarting { .deploying } else {
        .active
      }
    self.init(phase: phase, readyReplicas: ready.count, failure: failure)
    (unready, served) = (status.unready, status.active)
  }

  private init(phase: Phase, readyReplicas: Int, failure: Failure?) {
    self.phase = phase
    self.readyReplicas = readyReplicas
    self.failure = failure
  }
}
