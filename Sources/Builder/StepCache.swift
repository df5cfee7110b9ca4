import Archive
import Diagnostics
import OCI
import Storage
import Synchronization

/// The step cache as one build uses it: an organisation's own in the ledger, and the one it shares with other machines.
///
/// What the build makes is written in one transaction at its end, because every write to the ledger waits for the disk;
/// a server that is killed loses the entries of the builds that ran, and nothing else.
final class StepCache: Sendable {
  /// What is known under a key.
  enum Found: Sendable {
    /// A layer of this machine.
    case kept(LayerRecord)
    /// A layer another machine made.
    case fetched(LayerRecord, place: String)
    /// `why` says what became of one that is there and not used.
    case missing(why: SharedLayer?)
  }

  private let ledger: Ledger
  private let blobs: BlobStore
  private let organization: OrganizationName
  private let clock: WallClock
  private let isRead: Bool
  /// How old a layer may be; nil is any age.
  private let life: Duration?
  private let shared: (any SharedStepCache)?
  private let made = Mutex<[(key: Digest, made: MadeLayer)]>([])

  /// Where the order reads no cache, nothing is found, but what is made is still remembered for later builds.
  init(_ order: BuildOrder, ledger: Ledger, blobs: BlobStore, clock: WallClock, shared: (any SharedStepCache)?) {
    self.ledger = ledger
    self.blobs = blobs
    self.clock = clock
    self.shared = shared
    organization = order.organization
    isRead = !order.noCache
    life = order.cacheLife
  }

  /// The layer these inputs made before, when its blob is whole. A step without a kind is this machine's own business.
  func find(_ key: Digest, _ format: LayerFormat, of kind: StepKind?) async throws(Failure) -> Found {
    guard isRead else { return .missing(why: nil) }
    let key = formatted(key, format)
    if let made = try own(key) {
      offer(made, key, kind, isMissing: false)
      return .kept(made.layer)
    }
    guard let shared, let kind else { return .missing(why: nil) }
    switch try await shared.layer(key, of: kind) {
    case .found(let found, let place):
      if let why = try flaw(of: found.layer) { return .missing(why: .refused("\(place): \(why)")) }
      made.withLock { $0.append((key, found)) }
      return .fetched(found.layer, place: place)
    case .missing: return .missing(why: nil)
    case let other: return .missing(why: other)
    }
  }

  private func own(_ key: Digest) throws(Failure) -> MadeLayer? {
    var found = made.withLock { made in made.last { $0.key == key }?.made }
    if found == nil { found = try ledger.cachedLayer(key, of: organization) }
    // Kept before it is looked for: a collection may be about to take it.
    guard let found, blobs.keep(found.layer.digest), blobs.size(of: found.layer.digest) == found.layer.size else {
      return nil
    }
    if let life, clock.now().milliseconds - found.madeAt.milliseconds > Int64(life / .milliseconds(1)) { return nil }
    return found
  }

  /// What is wrong with a layer that came from elsewhere; to find out costs one reading of it. Unchecked, it would fail
  /// the build later, when it is unpacked, or stand in an image nobody can use.
  private func flaw(of layer: LayerRecord) throws(Failure) -> String? {
    do throws(Failure) {
      let blob = FileReader(try blobs.open(layer.digest), closing: true)
      let hashed = HashingReader(over: try Decompression.reader(over: blob, limit: LayerStore.limit))
      _ = try hashed.drain()
      guard hashed.digest != layer.diffID else { return nil }
      return "layer '\(layer.digest)' unpacks to other content than its entry says"
    } catch {
      guard error.code != .cancelled else { throw error }
      return "layer '\(layer.digest)' cannot be unpacked: \(error.oneLine)"
    }
  }

  /// Keeps what a step made just now, or an equal one elsewhere in this process.
  func remember(_ layer: LayerRecord, as key: Digest, _ format: LayerFormat, of kind: StepKind?) {
    let key = formatted(key, format)
    let fresh = MadeLayer(layer, madeAt: clock.now())
    made.withLock { $0.append((key, fresh)) }
    if isRead { offer(fresh, key, kind, isMissing: true) }
  }

  private func offer(_ made: MadeLayer, _ key: Digest, _ kind: StepKind?, isMissing: Bool) {
    guard let shared, let kind else { return }
    shared.offer(SharedOffer(key: key, kind: kind, made: made, isMissing: isMissing))
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
    try ledger.cacheLayers(entries, of: organization)
  }
}
