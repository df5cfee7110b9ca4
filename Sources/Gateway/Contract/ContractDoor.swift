import Diagnostics
import HTTPTypes
import HummingbirdCore
import Service
import Wire

/// The contract's RPCs under `/v1/`, transcoded from and to JSON.
struct ContractDoor: Sendable {
  let calls: ContractCalls
  let identities: IdentityService
  let reply: StreamReply

  func respond(to call: Call) async throws(Failure) -> Response {
    let components = call.path.split(separator: "/", omittingEmptySubsequences: true)
    // Reads of a method that has a GET are also HEADs.
    let wanted = call.method == .head ? .get : call.method
    var others: [HTTPRequest.Method] = []
    for route in ContractRoute.table {
      guard let variables = route.path.match(components) else { continue }
      guard route.method == wanted else {
        others.append(route.method)
        continue
      }
      let caller =
        route.isPublic
        ? Identity(organization: identities.defaultOrganization, subject: "anybody", scopes: [])
        : try await identities.caller(of: call)
      return try await route.answer(call, variables, calls, caller, reply)
    }
    guard !others.isEmpty else { throw unknownPath(call) }
    return .methodNotAllowed(call, allowed: others)
  }

  private func unknownPath(_ call: Call) -> Failure {
    let offered = ContractRoute.table.map { "\($0.method.rawValue) \($0.path)" }.joined(separator: ", ")
    return Failure(
      .notFound,
      reason: "rpc-unknown",
      "no RPC answers '\(call.method.rawValue) \(call.path.prefix(500))'",
      hint: "there are \(offered); UploadBuildContext is offered over gRPC only"
    )
  }
}

extension Response {
  /// 405 with what is allowed.
  static func methodNotAllowed(_ call: Call, allowed: [HTTPRequest.Method]) -> Response {
    var methods = allowed
    if allowed.contains(.get) { methods.append(.head) }
    let list = methods.map(\.rawValue).joined(separator: ", ")
    var response = failure(
      Failure(
        .unimplemented,
        reason: "method-not-allowed",
        "method '\(call.method.rawValue)' is not offered on '\(call.path.prefix(500))'",
        hint: "use \(list)"
      ),
      status: .methodNotAllowed
    )
    response.headers[.allow] = list
    return response
  }
}
