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
  let queue: QueueDoor
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
    case ["queue"]:
      let caller = try await identities.identity(authorization: call.header(.authorization))
      return try await queue.respond(to: call, as: caller)
    case ["reset"]:
      let caller = try await identities.caller(of: call)
      guard let reset else { throw Self.unknown(call) }
      return try await reset.respond(to: call, as: caller)
    case let path where path.count == 3 && path[0] == "builds" && path[2] == "events":
      guard call.isReading else { return .methodNotAllowed(call, allowed: [.get]) }
      return try await events(of: PercentText.decoded(path[1]), call)
    default:
      throw Self.unknown(call)
    }
  }

  private static func unknown(_ call: Call) -> Failure {
    Failure(
      .notFound,
      reason: "path-unknown",
      "nothing answers on '\(call.path.prefix(500))'",
      hint: "there are version, session, queue, reset, images/import and builds/ID/events below /_kindling/"
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
    var start = EventStart.beginning
    if let text = call.header(.lastEventID) ?? call.query["after"] {
      guard let sequence = Int(text), sequence >= 0 else {
        throw Failure(
          .invalidArgument,
          reason: "sequence-invalid",
          "'\(text.prefix(100))' is not an event's sequence number",
          hint: "give the last sequence seen, or leave it out for all events"
        )
      }
      start = .after(sequence)
    }
    let events = try await builds.events(of: id, from: start, as: caller)
    return reply.response(to: call, of: events) { event in
      StreamItem(id: event.sequence, json: JSONBytes.encoded(event))
    }
  }
}
