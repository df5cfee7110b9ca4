import Diagnostics
import HTTPTypes
import HummingbirdCore
import Service
import Storage

/// `POST /_kindling/reset`: back to empty, or to the seed, without a restart; `?keep=cache` keeps what makes builds quick.
package struct ResetDoor: Sendable {
  /// The house's own doing; answers with what came of the seed.
  package typealias Reset = @Sendable (ResetScope) async throws(Failure) -> [SeedResult]

  let owner: OrganizationName
  let reset: Reset

  func respond(to call: Call, as caller: Identity) async throws(Failure) -> Response {
    guard call.method == .post else { return .methodNotAllowed(call, allowed: [.post]) }
    try check(call, caller)
    return .json(Answer(seed: try await reset(try scope(call.query["keep"]))))
  }

  /// It takes away what every organisation has: only this machine may, with all that the default organisation may.
  private func check(_ call: Call, _ caller: Identity) throws(Failure) {
    guard call.context.isFromLoopback, HostRule.isLoopback(call.request.head.authority) else {
      throw Failure(
        .permissionDenied, reason: "reset-not-local", "a reset is only taken from the server's own machine",
        hint: "run there: kindling reset")
    }
    guard caller.organization == owner, caller.scopes == nil else {
      throw Failure(
        .permissionDenied, reason: "reset-not-yours",
        "a reset takes away what every organisation has, so it wants an unrestricted token of organisation '\(owner)'",
        hint: "use one: kindling token --org \(owner)")
    }
  }

  private func scope(_ keep: String?) throws(Failure) -> ResetScope {
    switch keep {
    case nil: return .everything
    case "cache": return .allButCaches
    default:
      throw Failure(
        .invalidArgument, reason: "reset-keep-unknown", "'\(keep?.prefix(100) ?? "")' is nothing that a reset can keep",
        hint: "say keep=cache, or leave it out")
    }
  }

  private struct Answer: Encodable {
    var reset = true
    var seed: [SeedResult]
  }
}

/// What came of one thing that an empty server begins with.
package struct SeedResult: Sendable, Encodable {
  package var name: String
  package var ok: Bool
  package var detail: String

  package init(name: String, ok: Bool, detail: String) {
    self.name = name
    self.ok = ok
    self.detail = detail
  }
}
