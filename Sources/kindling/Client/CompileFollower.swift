import API
import Diagnostics
import RPC
import Terminal

/// Makes an image of an app's draft and shows how that goes.
struct CompileFollower: Sendable {
  let app: AppTarget
  /// Whether the log's lines are shown on standard error.
  var isShown = true

  /// Compiles, follows to the end and answers with the draft. Throws `draft-not-compiled` when it FAILED, and
  /// `draft-changed` when its code is not the one that was `saved`, given by its hash: another caller saved a draft
  /// meanwhile, and what was compiled, or would be published now, may be theirs.
  func compile(_ saved: String? = nil) async throws(Failure) -> Dodil_Ignite_V1_DraftInfo {
    var request = Dodil_Ignite_V1_CompileDraftRequest()
    request.organizationName = app.organization
    request.appName = app.name
    let message = request
    // A server may answer when it is over, and a build lasts as long as it takes.
    let answer = try await app.access.stream { try await $0.compileDraft(message) }
    let deploy = answer.deployID.isEmpty ? answer.draft.deployID : answer.deployID
    if !deploy.isEmpty {
      let isShown = isShown
      try await Self.follow(deploy, app.access) { line in if isShown { Console.standardError.write(line + "\n") } }
    }
    let draft = try await draft()
    if let saved, draft.codeHash != saved {
      throw Failure(
        .aborted, reason: "draft-changed", "another deploy saved a draft of '\(app.id)' meanwhile",
        hint: "nothing was published here; see 'kindling draft info \(app.id)', and deploy again for your code")
    }
    guard draft.status != .failed else {
      throw Failure(
        .failedPrecondition, reason: "draft-not-compiled", "the draft of '\(app.id)' could not be made an image",
        hint: "mend it and try again; the whole log: kindling draft compile-logs \(app.id)",
        cause: draft.error.isEmpty ? nil : draft.error)
    }
    return draft
  }

  /// Hands the lines of a compile to `each` until it is over.
  static func follow(
    _ deploy: String, _ access: ServerAccess, _ each: @escaping @Sendable (String) throws -> Void
  ) async throws(Failure) {
    var request = Dodil_Ignite_V1_StreamCompileLogsRequest()
    request.deployID = deploy
    let message = request
    try await access.stream { try await $0.streamCompileLogs(message) { try each($0.line) } }
  }

  /// The draft as it is now.
  func draft() async throws(Failure) -> Dodil_Ignite_V1_DraftInfo {
    var request = Dodil_Ignite_V1_GetDraftInfoRequest()
    request.organizationName = app.organization
    request.appName = app.name
    let message = request
    return try await app.access.call { try await $0.getDraftInfo(message) }.draft
  }
}
