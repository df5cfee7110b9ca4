import Builder
import Diagnostics
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
    let remote = ExecutorRemote(settings.registries)
    let pusher = settings.isPushing && !settings.isDryRun ? try remote.pusher() : nil
    let workspace = try ExecutorWorkspace.open(settings, environment: environment)
    defer { workspace.close() }
    if let note = workspace.note { log.write(.warning, note) }
    let data = workspace.data
    let order = try await ExecutorContext(settings: settings, data: data, environment: environment).order()
    let bases = remote.bases(data)
    if settings.isDryRun {
      let scratch = data.path(.work).appending("plan-context")
      let plan = try await BuildPlan.make(for: order, bases: bases, scratch: scratch)
      Console.standardOutput.write(plan.text)
      return
    }
    let builder = ImageBuilder(data: data, executable: "/proc/self/exe", bases: bases)
    let reporter = ExecutorReporter(log)
    let built = try await builder.build(order, reporter: reporter)
    try await deliver(try ExecutorImage(built, settings), data.blobs, pusher)
  }

  private func deliver(
    _ image: ExecutorImage, _ blobs: BlobStore, _ pusher: (any ImagePusher)?
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
    guard let pusher else {
      log.write(.info, "Skipping push to container registry due to --no-push flag")
      return
    }
    for destination in settings.destinations {
      log.write(.info, "Pushing image to \(destination.shortName)")
      try await pusher.push(image, from: blobs, to: destination)
      log.write(.info, "Pushed \(destination.fullName)@\(image.digest)")
    }
  }
}
