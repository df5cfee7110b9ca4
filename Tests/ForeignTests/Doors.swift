import Foundation
import TestSupport

/// The contract by either door, with one way to say a call and to read its answer.
enum Doors: String, CaseIterable, Sendable {
  case grpc, http

  struct Call: Sendable {
    var rpc: String
    /// One message, or several of UploadBuildContext, which only gRPC has.
    var requests: [JSON] = [[:]]
    /// The server's own token when it is left out; empty sends none.
    var token: String?
    var headers: [String: String] = [:]
  }

  struct Answer: Sendable, CustomStringConvertible {
    var code: String
    var text: String
    var message: JSON
    var description: String { "\(code) \(text) \(message.text)" }
  }

  private static let codes = [
    6: "ALREADY_EXISTS", 8: "RESOURCE_EXHAUSTED", 10: "ABORTED", 14: "UNAVAILABLE",
    3: "INVALID_ARGUMENT", 5: "NOT_FOUND", 7: "PERMISSION_DENIED", 9: "FAILED_PRECONDITION", 12: "UNIMPLEMENTED",
    16: "UNAUTHENTICATED",
  ]

  func call(_ server: ServerProcess, _ calls: [Call]) async throws -> [Answer] {
    switch self {
    case .grpc:
      return try await Python.call(server, calls.map { Self.order($0, server) }).map {
        Answer(code: $0.code, text: $0.details, message: $0.first)
      }
    case .http:
      var answers: [Answer] = []
      for call in calls { answers.append(try await Self.send(call, server)) }
      return answers
    }
  }

  /// A body or a query that no client of the contract would write.
  static func raw(
    _ server: ServerProcess, _ method: String, _ path: String, _ body: String? = nil
  ) async throws -> Answer {
    let (_, text, _) = try await server.http(method, path, body: body, token: server.token)
    return answer(text)
  }

  private static func order(_ call: Call, _ server: ServerProcess) -> JSON {
    var metadata = call.headers.mapValues { JSON.string($0) }
    let token = call.token ?? server.token
    if !token.isEmpty { metadata["authorization"] = .string("Bearer " + token) }
    return ["rpc": .string(call.rpc), "requests": .array(call.requests), "metadata": .object(metadata)]
  }

  private static func send(_ call: Call, _ server: ServerProcess) async throws -> Answer {
    let request = call.requests.first ?? [:]
    let (method, path) = ComputePath.target(call.rpc, request) ?? target(call.rpc, request)
    let token = call.token ?? server.token
    let (_, body, _) = try await server.http(
      method, path, body: ["GET", "DELETE"].contains(method) ? nil : request.text, token: token.isEmpty ? nil : token,
      headers: call.headers.map { "\($0.key): \($0.value)" })
    return answer(body)
  }

  private static func answer(_ body: String) -> Answer {
    // A stream of lines is read by its first.
    let json = (try? JSON(text: body)) ?? (try? JSON(text: String(body.prefix { $0 != "\n" }))) ?? .null
    let code = json["code"].number.map { codes[Int($0)] ?? "\($0)" } ?? "OK"
    return Answer(code: code, text: json["message"].string ?? body, message: json)
  }

  private static func target(_ rpc: String, _ request: JSON) -> (method: String, path: String) {
    let builds = "/v1/ignite/builds"
    let build = builds + "/" + encoded(request["buildId"].string ?? "")
    switch rpc {
    case "CreateSecret": return ("POST", "/v1/ignite/secrets")
    case "ListSecrets": return ("GET", "/v1/ignite/secrets")
    case "GetSecret": return ("GET", "/v1/ignite/secrets/" + encoded(request["name"].string ?? ""))
    case "DeleteSecret": return ("DELETE", "/v1/ignite/secrets/" + encoded(request["name"].string ?? ""))
    case "CreateBuild": return ("POST", builds)
    case "SaveBuildSecrets": return ("PUT", builds + "/secrets")
    case "GetBuild": return ("GET", build)
    case "CancelBuild": return ("POST", build + "/cancel")
    case "StreamBuildLogs":
      return ("GET", build + "/logs/stream" + (request["fromStart"] == true ? "?fromStart=1" : ""))
    default:
      let parameters = request.object.map { "\($0.key)=\(encoded($0.value.string ?? $0.value.text))" }
      return ("GET", builds + "?" + parameters.joined(separator: "&"))
    }
  }

  private static func encoded(_ text: String) -> String {
    text.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? text
  }
}
