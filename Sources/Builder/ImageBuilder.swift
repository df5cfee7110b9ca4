import Archive
import Diagnostics
import Dockerfile
import OCI
import Sandbox
import Storage
import SystemPackage

#if canImport(Glibc)
  import Glibc
#endif

/// Turns a build order into an image whose layers are blobs in the store.
///
/// Knows nothing of HTTP, queues or build records. Many builds run at once; those of one data directory need the same
/// builder, or copies of it, as it knows which cache mounts are in use and which steps run.
package struct ImageBuilder: Sendable {
  let blobs: BlobStore
  let ledger: Ledger
  let layers: LayerStore
  let caches: CacheMounts
  let running = RunningSteps()
  /// The data directory's, which keys the digests of steps' inputs.
  let key: [UInt8]
  let sandbox: Sandbox
  let work: FilePath
  let bases: any BaseImageSource
  let clock: WallClock
  let files: any RemoteFiles
  let trees: any RemoteTrees
  let shared: (any SharedStepCache)?

  /// `executable` is what the sandbox starts a RUN through: this program itself.
  package init(
    data: DataDirectory, executable: FilePath, bases: any BaseImageSource, clock: WallClock = .system,
    files: any RemoteFiles = NoRemoteSources(), trees: any RemoteTrees = NoRemoteSources(),
    shared: (any SharedStepCache)? = nil, cacheMounts: ByteCount = ImageBuilder.usualCacheMounts
  ) {
    blobs = data.blobs
    ledger = data.ledger
    key = data.key
    layers = LayerStore(
      folder: data.path(.layers), blobs: data.blobs, xattrs: UserNamespace.isInside ? .user : .trusted)
    caches = CacheMounts(
      folder: data.path(.cache).appending("mounts"), trash: data.path(.work), budget: cacheMounts)
    sandbox = Sandbox(executable: executable)
    work = data.path(.work)
    self.bases = bases
    self.clock = clock
    self.files = files
    self.trees = trees
    self.shared = shared
  }

  /// What the directories of `RUN --mount=type=cache` may take together.
  package static let usualCacheMounts = CacheMounts.usualBudget

  /// Forgets what earlier builds have left and no later one can use, and makes room; for the start of a server. Blocks.
  ///
  /// To fail at it costs space, so that it is tried again at the next start.
  package func tidy() {
    caches.tidy()
    try? ledger.forgetOldStepInputs()
    let gone = ((try? ledger.cachedLayerDigests()) ?? []).filter { blobs.size(of: $0) == nil }
    try? ledger.forgetLayers(gone)
  }

  /// Returns when nothing is done in the background any more; for a process that is about to end.
  package func settle() async { await caches.settle() }

  /// Builds the image: context → plan → stages → configuration.
  ///
  /// Nothing it reports or throws holds a value of the order's secrets.
  package func build(_ order: BuildOrder, reporter: any BuildReporter) async throws(Failure) -> BuiltImage {
    let mask = order.mask
    guard !mask.isEmpty else { return try await build(order, mask, reporter) }
    do { return try await build(order, mask, MaskingReporter(reporter: reporter, mask: mask)) } catch {
      throw mask.failure(error)
    }
  }

  private func build(
    _ order: BuildOrder, _ mask: SecretMask, _ reporter: any BuildReporter
  ) async throws(Failure) -> BuiltImage {
    let scratch = try ScratchFolder(work.appending(order.workName))
    defer { scratch.remove() }

    // The source
    let context = try BuildContext(
      order.source, subPath: order.contextSubPath, scratch: scratch.file("context"), dockerfile: order.dockerfile)
    try reporter.report(.source(context.summary))

    // The plan
    let text = try order.dockerfileText(in: context) { (note) throws(Failure) in try reporter.report(.note(note)) }
    let dockerfile = try DockerfileParser.parse(text, file: order.dockerfile)
    let watched = WatchedBases(bases: bases, watch: reporter.watch)
    var planner = Planner(dockerfile: dockerfile, order: order, bases: watched, mask: mask)
    let plan = try await planner.plan(ignored: context.isIgnored)
    try reporter.report(
      plan.warnings.map { .warning($0.line, source: $0.source) } + [.planned(plan.announcement)])
    try CheckChoice(dockerfile, arguments: order.buildArgs).enforce(plan.warnings)
    if !plan.secretArguments.isEmpty {
      try order.onSecretArguments?(plan.secretArguments)
      try reporter.report(.note("build secrets given as arguments: " + plan.secretArguments.joined(separator: ", ")))
    }

    // The named contexts that are used
    var contexts = OpenContexts(context, scratch: scratch, xattrs: layers.xattrs)
    try await contexts.open(plan, of: order, trees: trees, scratch: scratch, reporter: reporter)

    // The stages
    let cache = StepCache(order, ledger: ledger, blobs: blobs, clock: clock, shared: shared)
    // A cache that cannot be written costs the next build time, and is no reason to fail this one.
    let reasons = StepReasons(order, ledger: ledger, key: key)
    defer {
      try? cache.save()
      reasons.save()
      running.forget(order.workName)
    }
    let run = BuildRun(
      builder: self, order: order, mask: mask, contexts: contexts, scratch: scratch, reporter: reporter, plan: plan,
      cache: cache, reasons: reasons,
      created: Self.timeText(order.layerFormat.latestTime.map { Timestamp(milliseconds: $0 * 1000) } ?? clock.now()))
    var (result, cachedSteps) = try await StageSchedule(run).build()
    if order.singleSnapshot { result = try await run.joined(result) }

    // The image
    let config = result.config(created: run.created)
    let bytes: [UInt8]
    do { bytes = try CanonicalJSON.encode(config) } catch {
      throw Failure(wrapping: error, while: "writing the image configuration")
    }
    return BuiltImage(
      config: bytes, layers: result.layers.map(\.record.descriptor), cachedSteps: cachedSteps,
      baseType: plan.base?.mediaType)
  }

  /// The image's layers on disk, topmost first, as an overlay's lower directories; those that nobody unpacked before are
  /// unpacked now. Blocks. They stay until the data directory is reset.
  package func unpacked(_ image: BaseImage, workName: String) throws(Failure) -> [FilePath] {
    let scratch = try ScratchFolder(work.appending(workName))
    defer { scratch.remove() }
    var lowers: [FilePath] = []
    for layer in try image.layerRecords.reversed() {
      let directory = try layers.directory(of: layer, scratch: scratch)
      // The kernel refuses a directory twice (ELOOP); see `StageBuild.lowers`.
      if !lowers.contains(directory) { lowers.append(directory) }
    }
    return lowers
  }

  /// RFC 3339, as image configurations carry it.
  package static func timeText(_ time: Timestamp) -> String {
    var seconds = time_t(time.milliseconds / 1000)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let fraction = String(time.milliseconds % 1000 + 1000).dropFirst()
    return "\(1900 + parts.tm_year)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
      + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)).\(fraction)Z"
  }
}

extension LayerRecord {
  /// How a manifest names the layer.
  package var descriptor: Descriptor { Descriptor(mediaType: mediaType, digest: digest, size: size.bytes) }
}
