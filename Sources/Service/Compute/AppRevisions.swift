import Builder
import Diagnostics
import Runner
import Storage

/// What apps run, as the ledger has it.
package struct AppRevisions: RevisionSource {
  private let data: DataDirectory
  private let images: AppImages
  private let relaxations: Relaxations
  private let outbound: OutboundReach
  private let refusals = Refusals()

  package init(
    data: DataDirectory, images: AppImages, relaxations: Relaxations = [], outbound: OutboundReach = .everywhere
  ) {
    self.data = data
    self.images = images
    self.relaxations = relaxations
    self.outbound = outbound
  }

  package func active(_ app: AppID) async throws(Failure) -> AppRevision { try current(app) }

  func current(_ app: AppID) throws(Failure) -> AppRevision {
    guard let record = try data.ledger.app(app) else { throw Failure.appUnknown(app) }
    guard let version = record.activeVersion else {
      throw Failure(
        .failedPrecondition, reason: "version-missing", "app '\(app)' has no active version yet",
        hint: "publish one with: kindling draft publish \(app.name)")
    }
    return record.revision(version)
  }

  package func plan(of revision: AppRevision) async throws(Failure) -> ReplicaPlan {
    guard let app = try data.ledger.app(revision.app) else { throw Failure.appUnknown(revision.app) }
    let (code, image) = try source(of: revision, app)
    let base = try await images.image(image, of: code, for: app.id.organization)
    let work = "start-\(ReplicaID.make(at: data.clock.now()))"
    return ReplicaPlan(
      revision: revision, imageReference: image.reference,
      lowers: try await images.layers(of: base, workName: work), config: base.config,
      environment: app.configuration.environment, limits: app.configuration.limits, relaxations: relaxations,
      outbound: outbound)
  }

  /// Why the image can never start, told without starting it; nil also where it is not here and would be pulled first.
  func refusal(of image: AppImage) -> Failure? {
    // Whatever keeps it from being read is told by the start.
    try? refusals.refusal(of: image) { () throws(Failure) in
      try images.here(image)?.config.refusal(of: image.reference, relaxations)
    }
  }

  private func source(of revision: AppRevision, _ app: AppRecord) throws(Failure) -> (AppCode, AppImage) {
    guard revision.version == .draft else {
      guard let version = try data.ledger.version(revision.version, of: app.id) else {
        throw Failure.versionUnknown(revision.version, of: app.id)
      }
      return (version.code, version.image)
    }
    guard let draft = try data.ledger.draft(of: app.id), let image = draft.image, app.revision(of: draft) == revision
    else {
      throw Failure(
        .aborted, reason: "draft-changed", "the draft of app '\(app.id)' was changed while it was being tested",
        hint: "test it again")
    }
    return (draft.code, image)
  }
}
