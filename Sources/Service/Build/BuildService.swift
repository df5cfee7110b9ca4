import Builder
import Diagnostics
import OCI
import Registry
import Storage

/// The use-cases of the contract's BuildService: what each RPC decides, whichever door it came by.
package final class BuildService: Sendable {
  /// The contract's bound on an inline context; larger ones go through UploadBuildContext.
  package static let inlineLimit = ByteCount.mebibytes(4)
  private static let defaultPageSize = 50
  private static let largestPage = 200

  private let data: DataDirectory
  private let queue: BuildQueue
  private let clock: WallClock
  private let rising: RisingClock
  private let space: ContextSpace
  private let gitRules: GitRules
  private let obstacle: Failure?
  /// What goes wrong on demand; none unless set.
  package let faults: FaultBoard

  /// `obstacle` is why this machine cannot run builds, where it cannot: no build is taken then, nor what one is made of.
  package init(
    data: DataDirectory, queue: BuildQueue, gitRules: GitRules = GitRules(), clock: WallClock = .system,
    contexts: ContextLimits = ContextLimits(), obstacle: Failure? = nil, faults: FaultBoard = FaultBoard()
  ) {
    self.faults = faults
    self.obstacle = obstacle
    self.data = data
    self.queue = queue
    self.gitRules = gitRules
    self.clock = clock
    rising = RisingClock(clock, after: (try? data.ledger.highestBuildID())?.moment)
    space = ContextSpace(limits: contexts, ledger: data.ledger, clock: clock)
  }

  /// Checks the request, makes the build durable and queues it. Everything that only the work can find out
  /// becomes a FAILED build, never an error of this call (seed: "it never blocks on the build finishing").
  package func createBuild(_ request: BuildRequest, as caller: Identity) async throws(Failure) -> BuildRecord {
    try caller.require(.createBuild)
    if let obstacle { throw obstacle }
    let order = try CheckedRequest(request)
    let source = try storedSource(of: request, for: caller)
    let record = BuildRecord(
      id: BuildID.make(at: rising.next()), organization: caller.organization, name: order.name,
      dockerfile: order.dockerfile, tags: order.tags, buildArgs: request.buildArgs, platform: order.platform,
      noCache: request.noCache, timeoutSeconds: request.timeoutSeconds, source: source, registry: request.registry,
      repository: request.repository, createdAt: clock.now())
    return try await queued(record)
  }

  /// Queues the build of an app's code. Who may compile the app is decided by then, and the source is checked.
  package func dispatch(_ code: AppCode, of app: AppID) async throws(Failure) -> BuildRecord? {
    if let obstacle { throw obstacle }
    var request = BuildRequest()
    request.name = app.name.name
    let source: BuildSource
    switch code {
    case .prebuilt: return nil
    case .archive(let digest, let dockerfile, let arguments):
      source = .archive(digest, context: nil)
      (request.dockerfile, request.buildArgs) = (dockerfile, arguments)
    case .git(let git, let dockerfile, let arguments):
      source = .git(git)
      (request.dockerfile, request.buildArgs) = (dockerfile, arguments)
    }
    let order = try CheckedRequest(request)
    var record = BuildRecord(
      id: BuildID.make(at: rising.next()), organization: app.organization, name: order.name,
      dockerfile: order.dockerfile, tags: [try Tag("app-\(code.hash)")], buildArgs: request.buildArgs,
      platform: order.platform, noCache: false, timeoutSeconds: 0, source: source, registry: "", repository: "",
      createdAt: clock.now())
    record.mayUseStarter = request.dockerfile.isEmpty
    return try await queued(record)
  }

  /// Ends a build that an app's compile does not wait for any more.
  package func abandon(_ build: BuildID) async { try? await queue.cancel(build) }

  /// What a git source of an app must be; the same rules as of a build.
  package func gitSource(url: String, reference: String, directory: String) throws(Failure) -> GitBuildSource {
    try gitRules.source(url: url, reference: reference, directory: directory)
  }

  private func queued(_ record: BuildRecord) async throws(Failure) -> BuildRecord {
    try data.ledger.insert(record)
    do throws(Failure) {
      try data.events.append(.queued, to: record.id)
    } catch {
      // The caller is told no: then there is no such build, and no later start may run it.
      try? data.ledger.discard(record.id)
      throw error
    }
    if let note = faults.hold(record) {
      _ = try? data.events.append(.note(note), to: record.id)
      return record
    }
    await queue.enqueue(record)
    return record
  }

  /// One build of the caller's organisation; anybody else's is NOT_FOUND, as if it did not exist.
  package func build(_ id: String, as caller: Identity) async throws(Failure) -> BuildRecord {
    try caller.require(.getBuild)
    return shown([try record(id, of: caller)], to: caller)[0]
  }

  /// The records as callers read them: without the values of the organisation's build secrets.
  private func shown(_ records: [BuildRecord], to caller: Identity) -> [BuildRecord] {
    guard records.contains(where: { !$0.buildArgs.isEmpty }) else { return records }
    let store = BuildSecretStore(data: data)
    let saved = try? store.buildSecrets(of: caller.organization)
    let mask = (try? store.hidden(of: caller.organization)).map { SecretMask($0) }
    return records.map { record in
      var record = record
      for (name, value) in record.buildArgs {
        // Where they cannot be opened nobody knows what is one.
        guard let mask, let saved, saved[name]?.text != value, !mask.isIn(value) else {
          record.buildArgs[name] = SecretValue.mask
          continue
        }
      }
      return record
    }
  }

  private func record(_ id: String, of caller: Identity) throws(Failure) -> BuildRecord {
    guard let known = BuildID(id), let record = try data.ledger.build(known, of: caller.organization) else {
      throw Failure(
        .notFound, reason: "build-unknown",
        "build '\(Shown.text(id))' does not exist in organisation '\(caller.organization)'",
        hint: "list what is there with: kindling build list")
    }
    return record
  }

  /// A page of the caller's builds, newest first; `limit` 0 means the default of 50, at most 200.
  package func builds(
    status: BuildStatus?, limit: Int, cursor: String, as caller: Identity
  ) async throws(Failure) -> BuildPage {
    try caller.require(.listBuilds)
    let size = limit <= 0 ? Self.defaultPageSize : min(limit, Self.largestPage)
    let cursors = PageCursor(data, caller.organization, status)
    let after = cursor.isEmpty ? nil : try cursors.last(in: cursor)
    let found = try data.ledger.builds(of: caller.organization, status: status, after: after, limit: size + 1)
    let page = shown(Array(found.prefix(size)), to: caller)
    guard found.count > size, let last = page.last else { return BuildPage(builds: page, nextCursor: "") }
    return BuildPage(builds: page, nextCursor: try cursors.text(after: last.id))
  }

  /// The typed events of a build, live until its terminal one.
  package func events(
    of id: String, from start: EventStart, as caller: Identity
  ) async throws(Failure) -> EventSequence {
    let record = try await build(id, as: caller)
    let first =
      switch start {
      case .beginning: 1
      case .now: try data.events.lastSequence(of: record.id) + 1
      case .after(let sequence): min(max(0, sequence), Int.max - 1) + 1
      }
    return try data.events.events(of: record.id, from: first, follow: true)
  }

  /// The log as lines of text: a rendering of the events. A line's number is the same in every reading, so that who
  /// lost the connection goes on after the last one seen.
  package func logs(of id: String, from start: EventStart, as caller: Identity) async throws(Failure) -> LogSequence {
    let record = try await build(id, as: caller)
    // The plan and the steps' start times lie before "now", so the renderer reads from the beginning in any case.
    let skip: LogSkip
    switch start {
    case .beginning: skip = .lines(0)
    case .after(let line): skip = .lines(max(0, line))
    case .now:
      if record.status.isTerminal { return LogSequence(events: nil) }
      skip = .events(try data.events.lastSequence(of: record.id))
    }
    return LogSequence(events: try data.events.events(of: record.id, from: 1, follow: true), skip: skip)
  }

  /// Stops a build that has not ended; its tags do not move. A finished one is FAILED_PRECONDITION.
  package func cancelBuild(_ id: String, as caller: Identity) async throws(Failure) -> BuildRecord {
    try caller.require(.cancelBuild)
    let before = try record(id, of: caller)
    guard !before.status.isTerminal else { throw Self.alreadyOver(before) }
    try await queue.cancel(before.id)
    let after = try record(id, of: caller)
    guard after.status == .cancelled else { throw Self.alreadyOver(after) }
    return after
  }

  /// The queue as the caller may know it: builds of other organisations are numbers.
  package func queue(as caller: Identity) async -> QueueView { await queue.view(of: caller.organization) }

  /// One build of the caller's organisation and, while it is PENDING, why it waits.
  package func queuedBuild(_ id: String, as caller: Identity) async throws(Failure) -> QueuedBuild {
    let record = try await build(id, as: caller)
    return QueuedBuild(record: record, wait: await queue.wait(of: record.id, in: caller.organization))
  }

  /// Pauses, resumes or resizes the queue, which is everybody's: who may is the door's to decide.
  package func changeQueue(_ change: QueueChange) async throws(Failure) { try await queue.apply(change) }

  /// Seals the groups that carry something; the others stay as they are (contract §1.1, replace per group).
  package func saveSecrets(_ secrets: BuildSecrets, as caller: Identity) async throws(Failure) {
    try caller.require(.saveBuildSecrets)
    try secrets.check()
    try BuildSecretStore(data: data).save(secrets, for: caller.organization)
  }

  /// Forgets one group of the organisation's build secrets, or all; SaveBuildSecrets itself cannot (contract §1.1: an
  /// empty group is left alone).
  package func clearSecrets(_ group: BuildSecrets.Group?, as caller: Identity) async throws(Failure) {
    try caller.require(.saveBuildSecrets)
    try BuildSecretStore(data: data).clear(group, of: caller.organization)
  }

  /// Takes faults away, and queues the builds that one kept PENDING.
  package func clearFaults(at place: Fault.Place?) async {
    faults.clear(place)
    guard place == nil || place == .pending else { return }
    for record in faults.release() { await queue.enqueue(record) }
  }

  /// Opens an upload; nothing is kept until `ContextUpload.finish()`.
  package func beginUpload(
    name: String, contentType: String, expectedSize: ByteCount?, as caller: Identity
  ) async throws(Failure) -> ContextUpload {
    try caller.require(.createBuild)
    if let obstacle { throw obstacle }
    guard !name.isEmpty else {
      throw Failure(
        .invalidArgument, reason: "context-name-missing", "the upload's metadata carries no name",
        hint: "send metadata.name in the first message")
    }
    guard name.utf8.count <= 255 else {
      throw Failure(
        .invalidArgument, reason: "context-name-invalid", "the upload's name is longer than 255 bytes",
        hint: "the name is for people; send a shorter one")
    }
    guard contentType.utf8.count <= 255 else {
      throw Failure(
        .invalidArgument, reason: "context-type-invalid", "the upload's content_type is longer than 255 bytes",
        hint: "send application/gzip, application/zip or nothing; the bytes themselves decide")
    }
    let claim = try space.claim(for: caller.organization, expecting: expectedSize)
    return ContextUpload(
      writer: try data.contexts.writer(), ledger: data.ledger,
      draft: ContextUpload.Draft(
        organization: caller.organization, name: name, contentType: contentType, expectedSize: expectedSize,
        createdAt: clock.now()),
      claim: claim, clock: clock, lifetime: space.limits.lifetime)
  }

  /// A context made of an archive that the caller's organisation already has; nil when it has none of that digest, also
  /// when another organisation does: who can name a digest need not have seen the content.
  package func adoptContext(_ digest: Digest, name: String, as caller: Identity) async throws(Failure)
    -> ContextReceipt?
  {
    try caller.require(.createBuild)
    if let obstacle { throw obstacle }
    let now = clock.now()
    guard let known = try data.ledger.context(with: digest, of: caller.organization, at: now),
      data.contexts.size(of: digest) == known.size
    else { return nil }
    var record = known
    record.id = ContextID.make(at: now)
    if !name.isEmpty { record.name = String(name.prefix(255)) }
    record.createdAt = now
    record.expiresAt = now.adding(space.limits.lifetime)
    try data.ledger.insert(record)
    return ContextReceipt(id: record.id, size: record.size)
  }

  private func storedSource(of request: BuildRequest, for caller: Identity) throws(Failure) -> BuildSource {
    switch request.source {
    case nil:
      throw Failure(
        .invalidArgument, reason: "source-missing", "the build has no source",
        hint: "send exactly one of context_id, zipped_code and git_source")
    case .git(let url, let reference, let directory):
      return .git(try gitRules.source(url: url, reference: reference, directory: directory))
    case .context(let id):
      guard let known = ContextID(id), let context = try data.ledger.context(known, of: caller.organization),
        context.expiresAt > clock.now(), data.contexts.size(of: context.digest) == context.size
      else {
        throw Failure(
          .notFound, reason: "context-unknown", "context '\(Shown.text(id))' does not exist or has expired",
          hint: "upload it again with: kindling build upload --folder DIR --name NAME")
      }
      return .archive(context.digest, context: known)
    case .inline(let bytes):
      guard !bytes.isEmpty else {
        throw Failure(
          .invalidArgument, reason: "context-empty", "zipped_code is empty", hint: "send a tar, tar.gz or zip archive")
      }
      guard bytes.count < Self.inlineLimit.bytes else {
        throw Failure(
          .invalidArgument, reason: "context-too-large",
          "zipped_code has \(bytes.count) bytes, and an inline context must be under 4 MiB",
          hint: "send it with UploadBuildContext, or: kindling build upload --folder DIR --name NAME")
      }
      let writer = try data.contexts.writer()
      try writer.write(bytes)
      return .archive(try writer.commit().digest, context: nil)
    }
  }

  private static func alreadyOver(_ record: BuildRecord) -> Failure {
    Failure(
      .failedPrecondition, reason: "build-finished",
      "build '\(record.id)' is already \(record.status.rawValue), so it cannot be cancelled",
      hint: "kindling build get \(record.id)")
  }
}
