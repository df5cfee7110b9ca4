import OCI
import Synchronization

/// What readers ask for again and again, in memory: small manifests, what tags stand for, which blobs can be seen
/// where. Only what is there, never what is missing.
final class RegistryCache: Sendable {
  /// Bytes of manifests together, and entries of the other two each.
  private static let mostBytes = 32 << 20
  private static let mostEntries = 100_000
  static let largestManifest = 1 << 20

  private struct Place: Hashable {
    var repository: Repository
    var reference: ManifestReference
  }

  private struct State {
    /// Counts writes: what was read before one must not be remembered after it.
    var generation = 0
    var manifests: [Place: StoredManifest] = [:]
    var manifestBytes = 0
    var blobs: Set<Place> = []
  }

  private let state = Mutex(State())

  /// Take it before reading the ledger, and hand it back with what was read.
  var generation: Int { state.withLock { $0.generation } }

  func manifest(_ reference: ManifestReference, in repository: Repository) -> StoredManifest? {
    state.withLock { $0.manifests[Place(repository: repository, reference: reference)] }
  }

  func remember(
    _ manifest: StoredManifest,
    as reference: ManifestReference,
    in repository: Repository,
    generation: Int
  ) {
    guard manifest.bytes.count <= Self.largestManifest else { return }
    state.withLock { state in
      guard state.generation == generation else { return }
      // Tags and digests share the bytes' storage, so that counting them twice errs on the safe side.
      if state.manifestBytes + manifest.bytes.count > Self.mostBytes || state.manifests.count >= Self.mostEntries {
        state.manifests = [:]
        state.manifestBytes = 0
      }
      let old = state.manifests.updateValue(manifest, forKey: Place(repository: repository, reference: reference))
      state.manifestBytes += manifest.bytes.count - (old?.bytes.count ?? 0)
    }
  }

  func knowsBlob(_ digest: Digest, in repository: Repository) -> Bool {
    state.withLock { $0.blobs.contains(Place(repository: repository, reference: .digest(digest))) }
  }

  func rememberBlob(_ digest: Digest, in repository: Repository, generation: Int) {
    state.withLock { state in
      guard state.generation == generation else { return }
      if state.blobs.count >= Self.mostEntries { state.blobs = [] }
      state.blobs.insert(Place(repository: repository, reference: .digest(digest)))
    }
  }

  /// Forgets the references after the ledger was changed; a deletion names every tag that went with it.
  func forget(_ references: some Sequence<ManifestReference>, in repository: Repository) {
    state.withLock { state in
      state.generation += 1
      for reference in references {
        let old = state.manifests.removeValue(forKey: Place(repository: repository, reference: reference))
        state.manifestBytes -= old?.bytes.count ?? 0
      }
    }
  }

  func forgetEverything() {
    state.withLock { $0 = State(generation: $0.generation + 1) }
  }

  func forgetBlob(_ digest: Digest, in repository: Repository) {
    state.withLock { state in
      state.generation += 1
      state.blobs.remove(Place(repository: repository, reference: .digest(digest)))
    }
  }
}
