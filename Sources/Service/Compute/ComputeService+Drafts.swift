import Diagnostics
import OCI
import Runner
import Storage

extension AppDraft {
  init(app: AppID, checked code: AppCode, savedAt: Timestamp) {
    self.init(app: app, code: code, codeHash: code.hash, savedAt: savedAt)
  }
}

extension ComputeService {
  /// What of an app's answer TestDraft gives back in one message.
  private static let testLimit = 8 << 20

  /// Saves the draft in place of an earlier one; builds nothing. An app that is missing is made with defaults, unless the
  /// server was started with `--strict`.
  package func saveDraft(
    _ organization: String, _ name: String, _ order: CodeOrder, inputSchema: String, outputSchema: String,
    as caller: Identity
  ) async throws(Failure) -> AppDraft {
    try caller.require(.deployApp)
    let id = try app(organization, name, of: caller)
    let known = try data.ledger.app(id)
    if known == nil, settings.isStrict { throw Failure.appUnknown(id) }
    let now = data.clock.now()
    let draft = AppDraft(app: id, checked: try code(order, for: id), savedAt: now)
    var schemas = known?.configuration ?? AppConfiguration()
    if !inputSchema.isEmpty { schemas.inputSchema = inputSchema }
    if !outputSchema.isEmpty { schemas.outputSchema = outputSchema }
    try schemas.check()
    if known == nil { try schemas.checkLabels(of: id) }
    let fresh = AppRecord(id: id, configuration: schemas, createdAt: now, updatedAt: now)
    let saved = try data.ledger.save(draft, ifMissing: settings.isStrict ? nil : fresh)
    if known != nil, !(inputSchema.isEmpty && outputSchema.isEmpty) {
      _ = try data.ledger.configure(id, at: now) { configuration in
        configuration.inputSchema = schemas.inputSchema
        configuration.outputSchema = schemas.outputSchema
      }
    }
    directory.set(try record(id))
    return saved
  }

  /// The draft; nil when none was saved.
  package func draft(_ organization: String, _ name: String, as caller: Identity) async throws(Failure) -> AppDraft? {
    try caller.require(.getApp)
    let id = try app(organization, name, of: caller)
    _ = try record(id)
    return try data.ledger.draft(of: id)
  }

  /// Begins to make the draft's image; the draft as it is then, COMPILING.
  package func compileDraft(
    _ organization: String, _ name: String, as caller: Identity
  ) async throws(Failure) -> AppDraft {
    try caller.require(.deployApp)
    let id = try app(organization, name, of: caller)
    let draft = try savedDraft(of: id)
    _ = try compiles.begin(draft)
    return try savedDraft(of: id)
  }

  /// The compile's log, live until its end; without the first `after` lines.
  package func compileLog(_ deploy: String, after: Int, as caller: Identity) async throws(Failure) -> LogSequence {
    try caller.require(.getApp)
    guard let id = DeployID(deploy), let compile = try data.ledger.compile(id, of: caller.organization) else {
      throw Failure(
        .notFound, reason: "deploy-unknown",
        "compile '\(Shown.text(deploy))' does not exist in organisation '\(caller.organization)'",
        hint: "see an app's last one with: kindling draft info APP")
    }
    return try compiles.log(of: compile, after: after)
  }

  /// Calls the draft as it would answer when it were published; compiles it first where that was not done.
  package func testDraft(_ order: InvokeOrder, as caller: Identity) async throws(Failure) -> TestedDraft {
    try caller.require(.deployApp)
    let id = try app(order.organization, order.app, of: caller)
    let draft = try await compiledDraft(of: id)
    var request = try request(order, for: id)
    request.revision = try record(id).revision(of: draft)
    let answer = try await self.caller.call(request)
    var body: [UInt8] = []
    do {
      for try await piece in answer.body {
        body += piece
        guard body.count <= Self.testLimit else {
          throw Failure(
            .resourceExhausted, reason: "answer-too-large", "the draft answered with more than 8 MiB",
            hint: "publish it and call it with Invoke, which streams")
        }
      }
    } catch { throw Failure(wrapping: error, while: "reading the draft's answer") }
    return TestedDraft(status: answer.status, headers: answer.headers, body: body, execution: request.execution)
  }

  /// Makes the draft the next version and the active one, compiling it first where that was not done. Calls go over
  /// without a gap; where the new version does not become ready the one before stays active, and the state says why.
  package func publishDraft(
    _ organization: String, _ name: String, as caller: Identity
  ) async throws(Failure) -> (view: AppView, urls: [String]) {
    try caller.require(.deployApp)
    let id = try app(organization, name, of: caller)
    let draft = try await compiledDraft(of: id)
    let version = try data.ledger.publish(id, draft: draft.number, at: data.clock.now())
    // The version is published all the same, and the state carries the failure.
    _ = await deploy(id)
    var view = try view(try record(id))
    view.version = version.version
    view.image = version.image
    view.code = version.code
    return (view, urls(of: id))
  }

  // MARK: - Drafts

  private func savedDraft(of id: AppID) throws(Failure) -> AppDraft {
    _ = try record(id)
    guard let draft = try data.ledger.draft(of: id) else {
      throw Failure(
        .failedPrecondition, reason: "draft-missing", "app '\(id)' has no draft",
        hint: "save one with: kindling draft save \(id.name) --code DIR, or --image-ref REFERENCE")
    }
    return draft
  }

  /// The draft with its image; throws why it has none.
  private func compiledDraft(of id: AppID) async throws(Failure) -> AppDraft {
    let draft = try savedDraft(of: id)
    if draft.image != nil { return draft }
    let deploy = try compiles.begin(draft)
    await compiles.wait(for: deploy)
    let compiled = try savedDraft(of: id)
    guard compiled.number == draft.number else {
      throw Failure(
        .aborted, reason: "draft-changed", "the draft of app '\(id)' was saved anew while it was being compiled",
        hint: "call again for the new one")
    }
    if compiled.image != nil { return compiled }
    throw Failure(
      .failedPrecondition, reason: "compile-failed",
      "the draft of app '\(id)' does not compile: \(compiled.failure?.message ?? "another compile was begun")",
      hint: compiled.failure?.hint ?? "see: kindling draft compile-logs \(deploy)", cause: compiled.failure?.cause)
  }

  // MARK: - Code

  /// What a draft keeps of the code; throws what can be told without building. Slots must be there and of the right type
  /// (contract §1.2); they are read anew whenever they are used.
  func code(_ order: CodeOrder, for id: AppID) throws(Failure) -> AppCode {
    switch order {
    case .missing:
      throw Failure(
        .invalidArgument, reason: "code-missing", "the draft has no code",
        hint: "send code.image with exactly one of prebuilt, from_code and from_git")
    case .runtime:
      throw Failure(
        .unimplemented, reason: "compile-mode",
        "code.compile, source code for a runtime of the platform, is not emulated",
        hint: "send code.image instead: prebuilt with an image_ref, from_code with an archive or from_git with a url; "
          + "without a Dockerfile a starter of the stack is used")
    case .prebuilt(let reference, let secret):
      let trimmed = try checkedReference(reference)
      return .prebuilt(reference: trimmed, secret: try slot(secret, .registry, id))
    case .archive(let bytes, let dockerfile, let arguments):
      guard !bytes.isEmpty else {
        throw Failure(
          .invalidArgument, reason: "archive-empty", "from_code.archive is empty", hint: "send a zip, tar or tar.gz")
      }
      guard bytes.count < BuildService.inlineLimit.bytes else {
        throw Failure(
          .invalidArgument, reason: "archive-too-large",
          "from_code.archive has \(bytes.count) bytes, and must be under 4 MiB",
          hint: "leave out what the image does not need, or build it with: kindling build DIR, and deploy its image_ref"
        )
      }
      try checkBuild(id, dockerfile, arguments)
      let writer = try data.contexts.writer()
      try writer.write(bytes)
      return .archive(try writer.commit().digest, dockerfile: dockerfile, arguments: arguments)
    case .git(let url, let reference, let directory, let dockerfile, let secret, let arguments):
      var source: GitBuildSource
      do throws(Failure) {
        source = try builds.gitSource(url: url, reference: reference, directory: directory)
      } catch { throw Self.inWordsOfApps(error) }
      source.secret = try slot(secret, .git, id)
      try checkBuild(id, dockerfile, arguments)
      return .git(source, dockerfile: dockerfile, arguments: arguments)
    }
  }

  private func checkedReference(_ text: String) throws(Failure) -> String {
    guard !text.isEmpty else {
      throw Failure(
        .invalidArgument, reason: "image-ref-missing", "prebuilt.image_ref is empty",
        hint: "name an image, such as localhost:4480/ORG/NAME:TAG")
    }
    do throws(Failure) { _ = try Reference(text) } catch {
      throw Failure(
        .invalidArgument, reason: "image-ref-invalid", "image_ref '\(Shown.text(text))' is not an image reference",
        hint: "write HOST/PATH:TAG or HOST/PATH@DIGEST", cause: error.message)
    }
    return text
  }

  private func slot(_ name: String, _ type: SecretSlotType, _ id: AppID) throws(Failure) -> String? {
    guard !name.isEmpty else { return nil }
    try SecretStore(data: data).check(try SecretSlotName(name), is: type, of: id.organization)
    return name
  }

  private func checkBuild(_ id: AppID, _ dockerfile: String, _ arguments: [String: String]) throws(Failure) {
    var request = BuildRequest()
    (request.name, request.dockerfile, request.buildArgs) = (id.name.name, dockerfile, arguments)
    _ = try CheckedRequest(request)
  }

  /// The rules are those of builds; the members are named otherwise here.
  private static func inWordsOfApps(_ failure: Failure) -> Failure {
    var failure = failure
    func inOurs(_ text: String) -> String {
      text.replacing("git_source", with: "from_git").replacing("context_dir", with: "sub_path")
    }
    failure.message = inOurs(failure.message)
    failure.hint = failure.hint.map(inOurs)
    failure.hint = failure.hint?.replacing("send the tree: kindling build .", with: "send the tree with from_code")
    if failure.reason == "git-address-credentials" {
      failure.hint =
        "take them out of the URL, save them with: kindling secret create NAME --type git, "
        + "and name that in secret_ref"
    }
    return failure
  }
}

/// What a draft answered.
package struct TestedDraft: Sendable {
  package var status: Int
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]
  package var execution: ExecutionID
}
