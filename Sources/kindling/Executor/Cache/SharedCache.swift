import Builder
import Diagnostics
import OCI
import Service
import Storage
import Synchronization
import Terminal

/// The step cache shared with other machines, as the flags want it used.
///
/// Lookups happen while the step waits for them, and bring the whole layer: a COPY above looks into it and a RUN mounts
/// it. Entries are sent beside the build, two at a time; `finish` waits for them. What goes wrong is told once, and then
/// the place is left alone: a registry that is down must not cost every step its patience.
final class SharedCache: SharedStepCache {
  private struct State {
    var isUnreadable = false
    var isUnwritable = false
    var isUsed = false
    /// Keys that were found there. The builder may still refuse the layer, and offer what it makes instead.
    var found: Set<Digest> = []
    var offered: Set<Digest> = []
    var waiting: [SharedOffer] = []
    var senders = 0
    var tasks: [Task<Void, Never>] = []
  }

  private let repository: any CacheRepository
  private let place: CacheChoices.Place
  private let choices: CacheChoices
  private let platform: Platform
  private let clock: WallClock
  private let log: ExecutorLog
  private let state = Mutex(State())

  private static let width = 2
  private static let layerLimit = ByteCount.mebibytes(64 << 10)

  init(
    _ repository: any CacheRepository, place: CacheChoices.Place, choices: CacheChoices, platform: Platform,
    clock: WallClock, log: ExecutorLog
  ) {
    self.repository = repository
    self.place = place
    self.choices = choices
    self.platform = platform
    self.clock = clock
    self.log = log
  }

  /// The place, when it is certain that its repository can be read.
  var usedPlace: CacheChoices.Place? { state.withLock { $0.isUsed } ? place : nil }

  // MARK: - Finding

  /// A place that drips costs more than the step it saves: what comes slower is no cache.
  private static let patience: Duration = .seconds(30)
  /// Bytes a second.
  private static let leastRate: Int64 = 256 * 1024

  private var slow: Failure {
    Failure(.unavailable, reason: "cache-slow", "'\(repository.name)' answers too slowly to be of use")
  }

  func layer(_ key: Digest, of kind: StepKind) async throws(Failure) -> SharedLayer {
    guard choices.keeps(kind), !state.withLock({ $0.isUnreadable }) else { return .missing }
    log.write(.info, "Checking for cached layer \(name(of: key))...")
    do throws(Failure) {
      let found = try await withDeadline(Self.patience, failing: slow) { () async throws(Failure) in
        try await self.entry(key)
      }
      guard let entry = found else { return .missing }
      guard !isTooOld(entry.made) else {
        let age = clock.now().milliseconds - entry.made.madeAt.milliseconds
        return .expired(
          "cache entry \(name(of: key)) is \(DurationText.spaced(milliseconds: age)) old, more than --cache-ttl allows")
      }
      let layer = entry.made.layer
      let blob = Descriptor(mediaType: layer.mediaType, digest: layer.digest, size: layer.size.bytes)
      let limit = Self.patience + .seconds(blob.size / Self.leastRate)
      try await withDeadline(limit, failing: slow) { [repository] () async throws(Failure) in
        try await repository.fetch(blob)
      }
      state.withLock { state in
        state.isUsed = true
        state.found.insert(key)
      }
      return .found(entry.made, place: repository.name)
    } catch {
      guard error.code != .cancelled else { throw error }
      if Self.isOfEntry(error) { return .refused("cache entry \(name(of: key)) is not used: \(error.oneLine)") }
      let isFirst = state.withLock { state in
        defer { state.isUnreadable = true }
        // Where nobody answers, nobody takes anything either.
        if error.reason.hasPrefix("outbound-") { state.isUnwritable = true }
        return !state.isUnreadable
      }
      guard isFirst else { return .missing }
      return .refused("cache '\(repository.name)' cannot be read, and is not asked again: \(error.oneLine)")
    }
  }

  private func entry(_ key: Digest) async throws(Failure) -> CacheEntry? {
    guard let manifest = try await repository.manifest(try Tag(key.hex)) else { return nil }
    let (config, layer) = try CacheEntry.parts(ofManifest: manifest, layerLimit: Self.layerLimit)
    return try CacheEntry(config: try await repository.bytes(of: config), layer: layer, key: key)
  }

  private func isTooOld(_ made: MadeLayer) -> Bool {
    let age = clock.now().milliseconds - made.madeAt.milliseconds
    // One that comes from the future would never end: some machine's clock was wrong. Five minutes are nobody's fault.
    return age > Int64(choices.life / .milliseconds(1)) || age < -300_000
  }

  /// Whether the failure is one entry's, and says nothing of the place.
  private static func isOfEntry(_ failure: Failure) -> Bool {
    [
      "cache-entry-unusable", "digest-invalid", "size-invalid", "blob-unknown", "image-unknown", "base-image-broken",
      "base-image-unusable", "manifest-schema-1", "outbound-too-large", "archive-too-large",
    ].contains(failure.reason)
  }

  private func name(of key: Digest) -> String { "\(repository.name):\(key.hex)" }

  // MARK: - Offering

  func offer(_ offer: SharedOffer) {
    guard choices.isPushing, choices.keeps(offer.kind), !isTooOld(offer.made) else { return }
    state.withLock { state in
      guard !state.isUnwritable, offer.isMissing || !state.found.contains(offer.key),
        state.offered.insert(offer.key).inserted
      else { return }
      state.waiting.append(offer)
      guard state.senders < Self.width else { return }
      state.senders += 1
      state.tasks.append(Task { await self.sendWaiting() })
    }
  }

  /// Waits until everything offered was sent or given up; a cancelled build waits for nothing.
  func finish() async {
    let tasks = state.withLock { $0.tasks }
    await withTaskCancellationHandler {
      for task in tasks { await task.value }
    } onCancel: {
      for task in tasks { task.cancel() }
    }
  }

  private func sendWaiting() async {
    while let offer = next() {
      do throws(Failure) {
        try await send(offer)
      } catch {
        let isFirst = state.withLock { state in
          defer { state.isUnwritable = true }
          return !state.isUnwritable
        }
        guard isFirst, error.code != .cancelled else { continue }
        log.write(.warning, "cache '\(repository.name)' takes no entries, and is sent no more: \(error.oneLine)")
      }
    }
  }

  private func next() -> SharedOffer? {
    state.withLock { state in
      guard !state.isUnwritable, !Task.isCancelled, !state.waiting.isEmpty else {
        state.waiting = []
        state.senders -= 1
        return nil
      }
      return state.waiting.removeFirst()
    }
  }

  private func send(_ offer: SharedOffer) async throws(Failure) {
    if !offer.isMissing, await isThere(offer.key) { return }
    log.write(.info, "Pushing layer \(name(of: offer.key)) to cache now")
    let entry = CacheEntry(key: offer.key, made: offer.made)
    try await repository.put(try entry.documents(platform), as: try Tag(offer.key.hex))
    state.withLock { $0.isUsed = true }
  }

  /// Whether an entry that others can use lies there; what cannot be read is sent anew.
  private func isThere(_ key: Digest) async -> Bool {
    guard let entry = try? await entry(key) else { return false }
    return !isTooOld(entry.made)
  }
}
