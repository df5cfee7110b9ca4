import Builder
import Diagnostics
import OCI
import Storage
import Synchronization

/// Makes the images of drafts: one compile is a build that is waited for, or a pull, and the unpacking of what came of it.
///
/// What a compile does is a list of events under its id, as with builds; a build's own events are copied into it.
package final class Compiles: Sendable {
  private let data: DataDirectory
  private let builds: BuildService
  private let images: AppImages
  private let running = Mutex<[DeployID: Task<Void, Never>]>([:])

  package init(data: DataDirectory, builds: BuildService, images: AppImages) {
    self.data = data
    self.builds = builds
    self.images = images
  }

  /// Begins to compile the draft, or joins the compile of it that runs.
  func begin(_ draft: AppDraft) throws(Failure) -> DeployID {
    if draft.status == .compiling, let deploy = draft.deploy, isRunning(deploy) { return deploy }
    let deploy = DeployID.make(at: data.clock.now())
    guard let compile = try data.ledger.beginCompile(deploy, of: draft) else {
      throw Failure(
        .aborted, reason: "draft-changed", "the draft of app '\(draft.app)' was saved anew at this moment",
        hint: "compile it again")
    }
    do throws(Failure) { try data.events.append(.queued, to: deploy) } catch {
      try? data.ledger.endCompile(deploy, .failure(error), at: data.clock.now())
      throw error
    }
    running.withLock { tasks in
      tasks[deploy] = Task { [self] in
        await run(compile, draft)
        running.withLock { _ = $0.removeValue(forKey: deploy) }
      }
    }
    return deploy
  }

  /// Returns when the compile has ended.
  func wait(for deploy: DeployID) async { await running.withLock { $0[deploy] }?.value }

  func isRunning(_ deploy: DeployID) -> Bool { running.withLock { $0[deploy] != nil } }

  /// Ends the compile without an image.
  func cancel(_ deploy: DeployID) async {
    let task = running.withLock { $0[deploy] }
    task?.cancel()
    await task?.value
  }

  /// Ends all of them; nothing is left under way.
  func stop() async {
    let tasks = running.withLock { Array($0.values) }
    for task in tasks { task.cancel() }
    for task in tasks { await task.value }
  }

  /// Ends those that the last run of the server left under way, and their builds that still wait.
  func recover() async throws(Failure) {
    for compile in try data.ledger.unfinishedCompiles() {
      try end(compile, .failure(Self.interrupted), since: compile.id.moment)
      if let build = compile.build { await builds.abandon(build) }
    }
  }

  /// The compile's log as lines. A compile that ended while its last event could not be written gets it now: else its
  /// reader would wait for ever.
  func log(of compile: CompileRecord, after: Int) throws(Failure) -> LogSequence {
    if compile.completedAt != nil, !isRunning(compile.id), try !data.events.isFinished(compile.id) {
      _ = try? data.events.append(.finished(.failed(Self.interrupted)), to: compile.id)
    }
    return LogSequence(
      events: try data.events.events(of: compile.id, from: 1, follow: true), skip: .lines(max(0, after)))
  }

  // MARK: - The way of a compile

  private func run(_ compile: CompileRecord, _ draft: AppDraft) async {
    let began = data.clock.now()
    let result: Result<AppImage, Failure>
    do throws(Failure) { result = .success(try await image(of: draft, compile)) } catch {
      result = .failure(Task.isCancelled || error.reason == "stream-interrupted" ? Self.interrupted : error)
    }
    // A ledger that cannot be written now is brought to order by the next start.
    try? end(compile, result, since: began)
  }

  /// In the ledger first: who has seen the end of the log finds the image on the draft.
  private func end(
    _ compile: CompileRecord, _ result: Result<AppImage, Failure>, since began: Timestamp
  ) throws(Failure) {
    let now = data.clock.now()
    try data.ledger.endCompile(compile.id, result, at: now)
    guard try !data.events.isFinished(compile.id) else { return }
    let outcome: BuildEvent.Outcome
    switch result {
    case .success:
      outcome = .succeeded(durationMilliseconds: max(0, now.milliseconds - began.milliseconds), cachedSteps: 0)
    case .failure(let failure): outcome = .failed(failure)
    }
    try data.events.append(.finished(outcome), to: compile.id)
  }

  private func image(of draft: AppDraft, _ compile: CompileRecord) async throws(Failure) -> AppImage {
    try data.events.append(.started, to: compile.id)
    let image = try await found(draft, compile)
    let base = try await images.image(image, of: draft.code, for: draft.app.organization)
    let warnings = base.config.contractWarnings
    try data.events.append(contentsOf: warnings.map { .warning($0, source: nil) }, to: compile.id)
    // Now, and not while the first caller waits.
    _ = try await images.layers(of: base, workName: compile.id.text)
    try note("unpacked \(base.layers.count) layers; ready to be published", compile)
    return image
  }

  private func found(_ draft: AppDraft, _ compile: CompileRecord) async throws(Failure) -> AppImage {
    if case .prebuilt(let reference, let secret) = draft.code {
      try note("image \(reference)", compile)
      let events = data.events
      let image = try await images.resolved(reference, secret: secret, for: draft.app.organization) { progress in
        // A line about progress that cannot be kept is missed; what follows says so.
        _ = try? events.append(.transfer(progress), to: compile.id)
      }
      try note("is \(image.digest)", compile)
      return image
    }
    guard let build = try await builds.dispatch(draft.code, of: draft.app) else {
      throw Failure(.internal, reason: "code-kind", "the draft of app '\(draft.app)' is neither built nor pulled")
    }
    do throws(Failure) {
      try data.ledger.setBuild(build.id, of: compile.id)
      try note("build \(build.id) of \(draft.app)", compile)
      return try await built(build, compile)
    } catch {
      // A build that nobody waits for is not worth its time at the next start.
      if Task.isCancelled || error.reason == "stream-interrupted" { await builds.abandon(build.id) }
      throw error
    }
  }

  /// Follows the build to its end.
  private func built(_ build: BuildRecord, _ compile: CompileRecord) async throws(Failure) -> AppImage {
    var events = try data.events.events(of: build.id, from: 1, follow: true).makeAsyncIterator()
    while let batch = try await events.nextBatch() {
      try data.events.append(contentsOf: batch.map(\.kind).filter(\.isOfWork), to: compile.id)
    }
    guard let row = try data.ledger.build(build.id, of: build.organization), row.status == .succeeded,
      let manifest = row.manifest, let reference = row.imageReferences.first
    else { throw try failure(of: build) }
    return AppImage(
      reference: "\(reference)@\(manifest)", repository: try Repository("\(build.organization)/\(build.name)"),
      digest: manifest)
  }

  private func failure(of build: BuildRecord) throws(Failure) -> Failure {
    let row = try data.ledger.build(build.id, of: build.organization)
    return row?.failure
      ?? Failure(
        .cancelled, reason: "build-cancelled", "build '\(build.id)' was cancelled", hint: "compile the draft again")
  }

  private func note(_ text: String, _ compile: CompileRecord) throws(Failure) {
    try data.events.append(.note(text), to: compile.id)
  }

  private static let interrupted = Failure(
    .aborted, reason: "interrupted", "the server stopped, or the app was removed, while the draft was being compiled",
    hint: "compile it again")
}

extension BuildEvent.Kind {
  /// Whether it is of what a build does, and not of its own beginning and end.
  fileprivate var isOfWork: Bool {
    switch self {
    case .queued, .started, .finished: false
    default: true
    }
  }
}
