import Builder
import Diagnostics
import Git
import OCI
import Registry
import Remote
import Storage
import SystemPackage

/// One build from its record to its image: source → builder → registry.
package struct BuildJob: Sendable {
  private let data: DataDirectory
  private let builder: ImageBuilder
  private let git: GitSources
  private let registry: ImageRegistry
  /// `host:port` that image references begin with.
  private let registryHost: @Sendable () -> String
  /// Nil where images stay in this server's own registry.
  private let external: ExternalPush?
  private let grants: BuildGrants
  private let faults: FaultBoard
  /// Plays builds in place of the builder, where it is there.
  private let scripted: ScriptedBuilder?

  package init(
    data: DataDirectory, builder: ImageBuilder, git: GitSources, registry: ImageRegistry,
    registryHost: @escaping @Sendable () -> String, external: ExternalPush? = nil, grants: BuildGrants = BuildGrants(),
    faults: FaultBoard = FaultBoard(), scripted: ScriptedBuilder? = nil
  ) {
    self.data = data
    self.builder = builder
    self.git = git
    self.registry = registry
    self.registryHost = registryHost
    self.external = external
    self.grants = grants
    self.faults = faults
    self.scripted = scripted
  }

  /// Runs the build; what it throws is why the build FAILED.
  package func run(_ record: BuildRecord, reporter: EventReporter) async throws(Failure) -> FinishedBuild {
    let saved = BuildSecretStore(data: data)
    let mask = SecretMask(try saved.hidden(of: record.organization))
    do throws(Failure) { return try await run(record, secrets: saved, reporter) } catch { throw mask.failure(error) }
  }

  private func run(
    _ record: BuildRecord, secrets: BuildSecretStore, _ reporter: EventReporter
  ) async throws(Failure) -> FinishedBuild {
    try mentionTarget(of: record, reporter)
    if let scripted {
      if case .git = record.source { try await meet(.clone, record, reporter) }
      return try await publish(try await scripted.build(record, reporter: reporter), of: record, reporter)
    }
    switch record.source {
    case .archive(let digest, let context):
      return try await build(record, from: try stored(digest, context), secrets, reporter)
    case .git(let source):
      try await meet(.clone, record, reporter)
      let tree = try await git.tree(source, of: record, reporter: reporter)
      defer { tree.lease.release() }
      return try await build(record, from: .tree(tree.index), secrets, reporter)
    }
  }

  private func meet(
    _ place: Fault.Place, _ record: BuildRecord, _ reporter: EventReporter
  ) async throws(Failure) {
    try await faults.meet(place, of: record.organization.name) { (note) throws(Failure) in
      try reporter.report([.note(note)])
    }
  }

  private func build(
    _ record: BuildRecord, from source: BuildOrder.Source, _ secrets: BuildSecretStore, _ reporter: EventReporter
  ) async throws(Failure) -> FinishedBuild {
    var order = BuildOrder(
      workName: record.id.text, source: source, dockerfile: record.dockerfile,
      buildArgs: record.buildArgs, platform: record.platform, noCache: record.noCache,
      organization: record.organization)
    order.buildName = record.name
    if record.mayUseStarter { order.starter = StarterChoices.choose }
    order.agents = grants.agents
    order.allowsInsecure = grants.allowsInsecure
    order.layerFormat.latestTime = try SourceDateEpoch.seconds(record.buildArgs[SourceDateEpoch.name])
    order.secrets = try secrets.buildSecrets(of: record.organization)
    order.secretArguments = order.secrets
    order.hidden = try secrets.hidden(of: record.organization)
    order.onSecretArguments = { [data] (names) throws(Failure) in
      let shown = names.map { ($0, SecretValue.mask) }
      try data.ledger.addArguments(Dictionary(uniqueKeysWithValues: shown), to: record.id)
    }
    let image = try await builder.build(order, reporter: reporter)
    return try await publish(image, of: record, reporter)
  }

  private func stored(_ digest: Digest, _ context: ContextID?) throws(Failure) -> BuildOrder.Source {
    guard let source = try StoredContext(contexts: data.contexts).source(digest) else {
      throw Failure(
        .failedPrecondition, reason: "context-gone",
        "the context \(context.map { "'\($0)' " } ?? "")of this build is no longer stored",
        hint: "upload it again and start a new build")
    }
    return source
  }

  /// The hand-over to the registry: the layers are already there, so this writes a configuration, a manifest and tags,
  /// and the build has SUCCEEDED with that.
  ///
  /// The other registry comes first: until its last byte is sent the build can be cancelled or fail, and then no tag
  /// moves here. Tags written there until then stay; nobody can take them back.
  private func publish(
    _ image: BuiltImage, of record: BuildRecord, _ reporter: EventReporter
  ) async throws(Failure) -> FinishedBuild {
    guard !Task.isCancelled else { throw Failure(.cancelled, reason: "cancelled", "the build was cancelled") }
    try await meet(.push, record, reporter)
    let repository = try Repository("\(record.organization)/\(record.name)")
    var references = record.tags.map { "\(registryHost())/\(repository):\($0)" }
    if let external {
      let untagged = try registry.commitImage(
        config: image.config, layers: image.layers, mediaType: .ociManifest, repository: repository, tags: [])
      references += try await external.push(untagged.digest, in: repository, for: record)
    }
    let size = ByteCount(image.layers.reduce(Int64(image.config.count)) { $0 + $1.size })
    let committed = try registry.commitImage(
      config: image.config, layers: image.layers, mediaType: .ociManifest, repository: repository, tags: record.tags,
      completing: BuildCompletion(
        id: record.id, references: references, imageSize: size, layerCount: image.layers.count,
        cacheUsed: image.cachedSteps > 0, clock: data.clock))
    try reporter.report([
      .image(
        BuildEvent.ImageSummary(
          references: references, digest: committed.digest.description, size: size, layers: image.layers.count))
    ])
    return FinishedBuild(
      references: references, manifest: committed.digest, size: size, layers: image.layers.count,
      cachedSteps: image.cachedSteps)
  }

  private func mentionTarget(of record: BuildRecord, _ reporter: EventReporter) throws(Failure) {
    // Before the work, so that a name nobody can push to fails at once.
    if let targets = try external?.targets(of: record), !targets.isEmpty {
      try reporter.report([.note("the image also goes to " + targets.map(\.description).joined(separator: ", "))])
      return
    }
    guard !record.registry.isEmpty || !record.repository.isEmpty else { return }
    try reporter.report([
      .note("registry and repository are managed by the platform: '\(record.registry)/\(record.repository)' is ignored")
    ])
  }
}
