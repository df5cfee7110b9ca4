import Diagnostics
import FoundationEssentials
import HTTPTypes
import HummingbirdCore
import Service
import Storage

/// What no platform has and an emulator needs, under `/_kindling/`.
struct OwnDoor: Sendable {
  let builds: BuildService
  let identities: IdentityService
  let imports: ImageImportDoor
  let contexts: ContextDoor
  let queue: QueueDoor
  let faults: FaultDoor
  let collection: CollectionDoor
  /// Nil where nobody can reset.
  let reset: ResetDoor?
  let reply: StreamReply
  let version: String
  let local: LocalCallers

  func respond(to call: Call) async throws(Failure) -> Response {
    let components = call.path.split(separator: "/")
    switch components.dropFirst().map(String.init) {
    case ["version"]:
      guard call.isReading else { return .methodNotAllowed(call, allowed: [.get]) }
      return .json(["version": version])
    case ["session"]:
      guard call.isReading else { return .methodNotAllowed(call, allowed: [.get]) }
      return .json(try await session(for: call))
    case ["images", "import"]:
      guard call.method == .post else { return .methodNotAllowed(call, allowed: [.post]) }
      let caller = try await identities.caller(of: call)
      // It makes an image, as a build does.
      try caller.require(.createBuild)
      return try await imports.respond(to: call, as: caller)
    case ["contexts"]:
      guard call.method == .post else { return .methodNotAllowed(call, allowed: [.post]) }
      return try await contexts.respond(to: call, as: try await identities.caller(of: call))
    case ["queue"]:
      let caller = try await identities.caller(of: call)
      return try await queue.respond(to: call, as: caller)
    case ["faults"]:
      return try await faults.respond(to: call, as: try await identities.caller(of: call))
    case let path where path.first == "secrets" && path.count <= 2:
      guard call.method == .delete else { return .methodNotAllowed(call, allowed: [.delete]) }
      return try await clearSecrets(path.dropFirst().first, call)
    case ["reset"]:
      let caller = try await identities.caller(of: call)
      guard let reset else { throw Self.unknown(call) }
      return try await reset.respond(to: call, as: caller)
    case ["gc"]:
      return try await collection.respond(to: call, as: try await identities.caller(of: call))
    case let path where path.count == 3 && path[0] == "builds" && path[2] == "events":
      guard call.isReading else { return .methodNotAllowed(call, allowed: [.get]) }
      return try await events(of: PercentText.decoded(path[1]), call)
    default:
      throw Self.unknown(call)
    }
  }

  /// `DELETE /_kindling/secrets[/GROUP]`, where GROUP is a member of SaveBuildSecrets.
  private func clearSecrets(_ name: String?, _ call: Call) async throws(Failure) -> Response {
    let caller = try await identities.caller(of: call)
    let group = name.flatMap { BuildSecrets.Group($0) }
    guard name == nil || group != nil else {
      throw Failure(
        .notFound, reason: "secret-group-unknown", "there is no group '\((name ?? "").prefix(100))' of build secrets",
        hint: "the groups are " + BuildSecrets.Group.allCases.map(\.member).joined(separator: ", "))
    }
    try await builds.clearSecrets(group, as: caller)
    return .json(["success": true])
  }

  private static func unknown(_ call: Call) -> Failure {
    Failure(
      .notFound,
      reason: "path-unknown",
      "nothing answers on '\(call.path.prefix(500))'",
      hint:
        "there are version, session, queue, faults, secrets, contexts, reset, gc, images/import and builds/ID/events "
        + "below /_kindling/"
    )
  }

  private struct Session: Encodable {
    var token: String
    var organization: String
    var organizations: [String]
    var version: String
  }

  /// A token for this server's own page. Whoever may have one without asking is on this machine and says so in `Host`;
  /// a page of another origin is not.
  private func session(for call: Call) async throws(Failure) -> Session {
    try OriginRule.checkSameOrigin(call.request.head)
    guard local.includes(call) else {
      throw Failure(
        .permissionDenied,
        reason: "session-not-local",
        "a session is only given to this machine",
        hint: "open the page as http://localhost, or make a token with: kindling token"
      )
    }
    let organization = identities.defaultOrganization
    return Session(
      token: try await identities.mintToken(for: organization),
      organization: organization.name,
      organizations: [organization.name],
      version: version
    )
  }

  /// The build's typed events, after `?after=` or the sequence an EventSource resumes from.
  private func events(of id: String, _ call: Call) async throws(Failure) -> Response {
    let caller = try await identities.caller(of: call)
    let start = try call.resumePoint.map { EventStart.after($0) } ?? .beginning
    let events = try await builds.events(of: id, from: start, as: caller)
    return reply.response(to: call, of: EventBatches(events: events)) { (batch, format) throws(Failure) in
      try format.frames(batch)
    }
  }
}
