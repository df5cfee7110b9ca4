import Archive
import Diagnostics
import OCI
import Sandbox
import Storage
import SystemPackage

/// One build while it runs: takes a stage's steps in order. Each stage has a copy of its own.
struct BuildRun: Sendable {
  /// A stage that is finished.
  struct BuiltStage: Sendable {
    var build: StageBuild
    /// How many of its steps came from the cache.
    var cachedSteps = 0
  }

  let builder: ImageBuilder
  let order: BuildOrder
  let mask: SecretMask
  /// The context, the named ones, and parts of them on disk for commands that mount them.
  let contexts: OpenContexts
  let scratch: ScratchFolder
  let reporter: any BuildReporter
  let plan: BuildPlan
  let cache: StepCache
  let reasons: StepReasons
  /// The moment the build's own entries and configuration carry.
  let created: String

  /// The finished stages that the one to be built uses, by their numbers in the Dockerfile.
  var stages: [Int: StageBuild] = [:]

  init(
    builder: ImageBuilder, order: BuildOrder, mask: SecretMask, contexts: OpenContexts, scratch: ScratchFolder,
    reporter: any BuildReporter, plan: BuildPlan, cache: StepCache, reasons: StepReasons,
    created: String
  ) {
    self.builder = builder
    self.order = order
    self.mask = mask
    self.contexts = contexts
    self.scratch = scratch
    self.reporter = reporter
    self.plan = plan
    self.cache = cache
    self.reasons = reasons
    self.created = created
  }

  func build(_ stage: PlannedStage) async throws(Failure) -> BuiltStage {
    var built = BuiltStage(build: try begin(stage))
    for step in stage.steps {
      guard !Task.isCancelled else { throw Failure(.cancelled, reason: "cancelled", "the build was cancelled") }
      let started = builder.clock.now()
      try reporter.report(.stepStarted(step: step.number))
      do {
        let outcome = try await perform(step, in: built.build)
        built.build.add(step, outcome.layer, created: created)
        if outcome.cached { built.cachedSteps += 1 }
        try finish(step, outcome.cached ? .cached : .ran, started, layer: outcome.layer?.record.size)
      } catch {
        var failure = error
        if failure.source == nil { failure.source = step.source }
        // One step fails a build; what goes wrong in other stages while they are stopped is no second failure.
        let isStopped = failure.code == .cancelled || Task.isCancelled
        try finish(step, isStopped ? .cancelled : .failed, started)
        throw failure
      }
    }
    return built
  }

  private func finish(
    _ step: PlannedStep, _ result: BuildEvent.StepReport.Result, _ started: Timestamp, layer: ByteCount? = nil
  ) throws(Failure) {
    let milliseconds = max(0, builder.clock.now().milliseconds - started.milliseconds)
    try reporter.report(
      .stepFinished(
        BuildEvent.StepReport(
          step: step.number, result: result, durationMilliseconds: milliseconds, layer: layer,
          reason: reasons.text(of: step.number))))
  }

  private func begin(_ stage: PlannedStage) throws(Failure) -> StageBuild {
    switch stage.origin {
    case .scratch: return StageBuild(stage, layers: [], history: [])
    case .stage(let index):
      guard let base = stages[index] else {
        throw Failure(.internal, reason: "plan-order", "stage \(index) was not built before it was used")
      }
      return StageBuild(stage, layers: base.layers, history: base.history)
    case .image(let image):
      try reporter.report(.note("base \(image.reference)@\(image.manifest)"))
      return StageBuild(stage, layers: try layers(of: image), history: image.config.history ?? [])
    }
  }

  func layers(of image: BaseImage) throws(Failure) -> [StageBuild.Layer] {
    try image.layerRecords.map { StageBuild.Layer(record: $0) }
  }

  // MARK: - Steps

  typealias Outcome = (layer: StageBuild.Layer?, cached: Bool)

  private func perform(_ step: PlannedStep, in build: StageBuild) async throws(Failure) -> Outcome {
    switch step.action {
    case .configure:
      reasons.tell("changes the configuration only", of: step.number)
      return (nil, false)
    case .makeDirectory(let path, let user): return try await makeDirectory(path, user: user, step, in: build)
    case .copy(let action): return try await copy(action, step, in: build)
    case .run(let action): return try await run(action, step, in: build)
    }
  }

  /// WORKDIR: the missing directories as a layer, which is empty when all are there.
  ///
  /// BuildKit: every WORKDIR but `/` is a layer. Kaniko makes one only for a new directory.
  private func makeDirectory(
    _ path: String, user: String, _ step: PlannedStep, in build: StageBuild
  ) async throws(Failure) -> Outcome {
    let tree = try build.tree(builder.layers, scratch)
    let action = CopyAction(
      origin: .context, sources: [], destination: path, endsWithSlash: true, owner: nil, mode: nil,
      unpacksArchives: false, excludes: [])
    // BuildKit makes it for the USER in force, whom it reads as --chown does: of `USER 1000` the group is 1000 too.
    let owner = user.isEmpty ? (uid: 0, gid: 0) : try Accounts(in: tree).owner(user)
    let destination = try CopyDestination(action, root: tree, owner: owner, now: now)
    guard path != "/" else {
      reasons.tell("the directory is there", of: step.number)
      return (nil, false)
    }
    if let node = try tree.node(destination.directory) {
      guard case .directory = node.entry.kind else {
        throw Failure(.invalidArgument, reason: "workdir-not-directory", "'\(path)' exists and is not a directory")
      }
      return try await layer(of: [], for: step, of: build.stage)
    }
    var collector = EntryCollector(destination: destination, mode: nil)
    try collector.addDirectory(destination.directory)
    return try await layer(of: collector.entries, for: step, of: build.stage)
  }

  private func copy(_ action: CopyAction, _ step: PlannedStep, in build: StageBuild) async throws(Failure) -> Outcome {
    let fetched = try await FetchedSources(
      action, files: builder.files, trees: builder.trees, organization: order.organization,
      isFresh: order.noCache, scratch: scratch, watch: reporter.watch)
    // A linked layer stands by itself. Here: names of --chown are looked up below it all the same.
    let root = action.isLinked ? RootTree(layers: []) : try build.tree(builder.layers, scratch)
    let owner = try action.owner.map { (text) throws(Failure) in
      try Accounts(in: try build.tree(builder.layers, scratch)).owner(text)
    }
    let source: any SourceTree
    var isIgnored: (FilePath) -> Bool = { _ in false }
    switch action.origin {
    case .context:
      let context = contexts.own.context
      source = context
      isIgnored = { context.isIgnored($0) }
    case .named(let name):
      let context = try contexts.named(name).context
      source = context
      isIgnored = { context.isIgnored($0) }
    case .stage(let index):
      guard let used = stages[index] else {
        throw Failure(.internal, reason: "plan-order", "stage \(index) was not built before it was copied from")
      }
      source = try used.tree(builder.layers, scratch)
    case .image(let image):
      source = try StageBuild(build.stage, layers: try layers(of: image), history: []).tree(builder.layers, scratch)
    }
    let sources = CopySources(
      action: action, tree: source, isIgnored: isIgnored,
      destination: try CopyDestination(action, root: root, owner: owner, now: now), scratch: scratch,
      fetched: fetched)
    return try await layer(of: try sources.entries(), for: step, of: build.stage)
  }

  /// Writes the entries as a layer, or finds the layer they made before.
  func layer(
    of entries: [LayerEntry], for step: PlannedStep?, of stage: PlannedStage
  ) async throws(Failure) -> Outcome {
    let format = format(of: step, in: stage)
    let known = try withDigests(entries.compactMap(format.written))
    let key = CacheKey.copy(known)
    let kind = step.map { _ in StepKind.files }
    let (record, cached) = try await once(
      Work(step: step, kind: kind, stage: stage, format: format, key: key) { StepParts(known, $0) }
    ) { () throws(Failure) in
      try LayerBlob(store: builder.blobs, format: format).write { (tar) throws(Failure) in
        let bodies = OpenBodies()
        for entry in known { try entry.append(to: tar, from: bodies) }
      }
    }
    let virtual = VirtualLayer(known, diffID: record.diffID)
    return (StageBuild.Layer(record: record, virtual: virtual, identity: key), cached)
  }

  /// What makes a layer, for the cache and for the reason that is given.
  private struct Work {
    /// Nil for what is no step of its own.
    var step: PlannedStep?
    /// Nil for what is of no use to other machines.
    var kind: StepKind?
    var stage: PlannedStage
    var format: LayerFormat
    var key: Digest
    var parts: (StepParts.KeyedDigest) -> StepParts
  }

  /// What the key's inputs made before or make just now in another stage or build; if nothing, what `make` makes.
  private func once(
    _ work: Work, _ make: () async throws(Failure) -> LayerRecord
  ) async throws(Failure) -> (LayerRecord, cached: Bool) {
    func tell(_ course: StepReasons.Course) {
      guard let step = work.step else { return }
      reasons.tell(course, step, of: work.stage, key: work.key, parts: work.parts)
    }
    guard !order.noCache else {
      tell(.uncached)
      let record = try await make()
      cache.remember(record, as: work.key, work.format, of: work.kind)
      return (record, false)
    }
    let name = cache.name(of: work.key, work.format)
    let made = try await builder.running.join(name) { () throws(Failure) in
      try reporter.report(.note("waiting for an equal step, which already runs"))
    }
    if let made {
      tell(.shared(build: made.build))
      cache.remember(made.layer, as: work.key, work.format, of: work.kind)
      return (made.layer, true)
    }
    var own: RunningSteps.Made?
    defer { builder.running.end(name, own) }
    switch try await cache.find(work.key, work.format, of: work.kind) {
    case .kept(let record):
      tell(.cached)
      return (record, true)
    case .fetched(let record, let place):
      tell(.fetched(place: place))
      return (record, true)
    case .missing(let why): tell(.ran(why: try said(why)))
    }
    let record = try await make()
    cache.remember(record, as: work.key, work.format, of: work.kind)
    own = RunningSteps.Made(layer: record, build: order.workName)
    return (record, false)
  }

  /// Tells at once why a layer that others made is not used, and gives the words.
  private func said(_ why: SharedLayer?) throws(Failure) -> String? {
    switch why {
    case .expired(let words):
      try reporter.report(.note(words))
      return words
    case .refused(let words):
      try reporter.report(.warning(words, source: nil))
      return words
    case .found, .missing, nil: return nil
    }
  }

  /// Files copied from a stage have no digest yet; the key needs one for each.
  private func withDigests(_ entries: [LayerEntry]) throws(Failure) -> [LayerEntry] {
    var known: [LayerEntry] = []
    known.reserveCapacity(entries.count)
    for var entry in entries {
      if case .file = entry.tar.kind, entry.digest == nil, let reader = try entry.body.reader() {
        let hashed = HashingReader(over: reader)
        _ = try hashed.drain()
        entry.digest = hashed.digest
      }
      known.append(entry)
    }
    return known
  }

  private func run(_ action: RunAction, _ step: PlannedStep, in build: StageBuild) async throws(Failure) -> Outcome {
    let origins = try mountOrigins(of: action, in: build)
    let layers = build.layers.map(\.identity)
    let inputs = CacheKey.run(
      action, layers: layers, platform: build.stage.platform, origins: origins.map(\.identity))
    let key = action.seesSecrets ? CacheKey.keyed(inputs, with: builder.key) : inputs
    let format = format(of: step, in: build.stage)
    let work = Work(step: step, kind: .command, stage: build.stage, format: format, key: key) { digest in
      StepParts(
        action, layers: layers, platform: build.stage.platform, origins: origins.map(\.identity),
        environment: build.stage.config.config?.env ?? [], digest)
    }
    let (record, cached) = try await once(work) { () throws(Failure) in
      let command = RunStep(
        builder: builder, step: step, action: action, platform: build.stage.config.platform,
        lowers: try build.lowers(builder.layers, scratch), tree: try build.tree(builder.layers, scratch),
        scratch: scratch, format: format, hidden: mask.values, reporter: reporter)
      let mounts = RunMounts(
        builder: builder, order: order, scratch: scratch,
        onNote: { (text) throws(Failure) in try reporter.report(.note(text)) })
      defer { mounts.release() }
      try await mounts.prepare(action.mounts, origins)
      return try await command.run(with: mounts)
    }
    return (StageBuild.Layer(record: record), cached)
  }

  private var now: Int64 { builder.clock.now().milliseconds / 1000 }
}
