import Diagnostics
import OCI
import Storage
import Synchronization

/// An organisation's step cache as one build uses it.
///
/// What the build makes is written in one transaction at its end, because every write to the ledger waits for the disk;
/// a server that is killed loses the entries of the builds that ran, and nothing else.
final class StepCache: Sendable {
  private let ledger: Ledger
  private let blobs: BlobStore
  private let organization: OrganizationName
  private let clock: WallClock
  private let isRead: Bool
  private let made = Mutex<[(key: Digest, layer: LayerRecord)]>([])

  /// With `isRead` false nothing is found, but what is made is still remembered for later builds.
  init(
    ledger: Ledger, blobs: BlobStore, organization: OrganizationName, clock: WallClock, isRead: Bool
  ) {
    self.ledger = ledger
    self.blobs = blobs
    self.organization = organization
    self.clock = clock
    self.isRead = isRead
  }

  /// The layer these inputs made before, when its blob is still whole.
  func layer(_ key: Digest, _ format: LayerFormat) throws(Failure) -> LayerRecord? {
    guard isRead else { return nil }
    let key = formatted(key, format)
    var found = made.withLock { made in made.last { $0.key == key }?.layer }
    if found == nil { found = try ledger.cachedLayer(key, of: organization) }
    guard let found, blobs.size(of: found.digest) == found.size else { return nil }
    return found
  }

  func remember(_ layer: LayerRecord, as key: Digest, _ format: LayerFormat) {
    let key = formatted(key, format)
    made.withLock { $0.append((key, layer)) }
  }

  /// How the step is known among those that run.
  func name(of key: Digest, _ format: LayerFormat) -> RunningSteps.Name {
    RunningSteps.Name(organization: organization, key: formatted(key, format))
  }

  /// Steps with equal inputs make other layers in other formats.
  private func formatted(_ key: Digest, _ format: LayerFormat) -> Digest {
    let variant = format.variant
    return variant.isEmpty ? key : Digest(sha256Of: Array("\(variant) \(key)".utf8))
  }

  /// Writes what was made; a second call writes only what came since.
  func save() throws(Failure) {
    let entries = made.withLock { made in
      defer { made = [] }
      return made
    }
    guard !entries.isEmpty else { return }
    try ledger.cacheLayers(entries, of: organization, at: clock.now())
  }
}
