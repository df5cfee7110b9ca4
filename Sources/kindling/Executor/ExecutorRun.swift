import Builder
import Diagnostics
import Git
import OCI
import Storage
import SystemPackage
import Terminal

/// One call of the executor: context → image → files and registries.
struct ExecutorRun: Sendable {
  let settings: ExecutorSettings
  let environment: [String: String]
  let log: ExecutorLog

  /// Builds and delivers; what it throws is told by the command.
  func run() async throws(Failure) {
    for note in settings.idle { log.write(.warning, note) }
    let workspace = try ExecutorWorkspace.open(settings, environment: environment)
    defer { workspace.close() }
    if let note = workspace.note { log.write(.warning, note) }
    if settings.cache.place != nil, !settings.isCaching {
      log.write(.warning, "--cache-repo changes nothing without --cache")
    }
    let remote = try ExecutorRemote(settings, environment: environment, data: workspace.data)
    let result: Result<Void, Failure>
    do throws(Failure) {
      result = .success(try await run(in: workspace.data, remote))
    } catch { result = .failure(error) }
    await remote.shutdown()
    try result.get()
  }

  private func run(in data: DataDirectory, _ remote: ExecutorRemote) async throws(Failure) {
    let log = self.log
    var tree: FetchedTree?
    if case .git(let address) = settings.context { tree = try await remote.tree(address) { log.write(.info, $0) } }
    defer { tree?.lease.release() }
    let order = try ExecutorContext(settings: settings, data: data, environment: environment, tree: tree?.index).order()
    if settings.isDryRun {
      let scratch = data.path(.work).appending("plan-context")
      let plan = try await BuildPlan.make(for: order, bases: remote.bases, scratch: scratch)
      Console.standardOutput.write(plan.text)
      return
    }
    let shared = try remote.sharedCache(log)
    let builder = ImageBuilder(
      data: data, executable: "/proc/self/exe", bases: remote.bases, files: remote.files,
      trees: remote.trees, shared: shared)
    let result: Result<BuiltImage, Failure>
    do throws(Failure) {
      result = .success(try await builder.build(order, reporter: ExecutorReporter(log)))
    } catch { result = .failure(error) }
    // Kaniko: what was made is shared even when a later step failed.
    await shared?.finish()
    await builder.settle()
    try await deliver(try ExecutorImage(try result.get(), settings), data.blobs, remote, shared)
  }

  private func deliver(
    _ image: ExecutorImage, _ blobs: BlobStore, _ remote: ExecutorRemote, _ shared: SharedCache?
  ) async throws(Failure) {
    let outputs = settings.outputs
    // Kaniko: the small files come first, so that they are there even when a push fails.
    try DigestFiles(outputs: outputs, destinations: settings.destinations).write(image.digest)
    if let folder = outputs.layout {
      try OCILayoutFolder(image: image, blobs: blobs).write(to: folder)
      log.write(.info, "Image layout written to \(folder)")
    }
    if let path = outputs.tar {
      let tags = settings.destinations.map(\.shortName)
      try ImageTarball(image: image, blobs: blobs, tags: tags).write(to: path)
      log.write(.info, "Image archive written to \(path)")
    }
    guard settings.isPushing else {
      log.write(.info, "Skipping push to container registry due to --no-push flag")
      return
    }
    for destination in settings.destinations {
      log.write(.info, "Pushing image to \(destination.shortName)")
      try await remote.push(image, to: destination, beside: shared?.usedPlace)
      log.write(.info, "Pushed \(destination.fullName)@\(image.digest)")
    }
    try DigestFiles(outputs: outputs, destinations: settings.destinations)
      .writePushed(image.digest, to: environment["BUILDER_OUTPUT"])
  }
}
