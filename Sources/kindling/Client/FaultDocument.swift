import AsyncHTTPClient
import Diagnostics
import Foundation
import NIOHTTP1

/// What `/_kindling/faults` answers.
struct FaultDocument: Codable, Sendable {
  struct Fault: Codable, Sendable, Hashable {
    var at: String
    var organization: String?
    var code: String?
    var message: String?
    var delayMs: Int64?
    var probability: Double?
    var count: Int?
  }

  var faults: [Fault]

  private static let path = "/_kindling/faults"

  static func read(_ access: ServerAccess) async throws(Failure) -> FaultDocument {
    try await call(.GET, path, nil, access)
  }

  static func set(_ fault: Fault, _ access: ServerAccess) async throws(Failure) -> FaultDocument {
    try await call(.PUT, path, Data(JSONText.line(fault).utf8), access)
  }

  /// Takes away those at one place; nil is all.
  static func clear(_ place: String?, _ access: ServerAccess) async throws(Failure) -> FaultDocument {
    let word = place?.addingPercentEncoding(withAllowedCharacters: .alphanumerics)
    return try await call(.DELETE, path + (word.map { "?at=" + $0 } ?? ""), nil, access)
  }

  private static func call(
    _ method: HTTPMethod, _ path: String, _ body: Data?, _ access: ServerAccess
  ) async throws(Failure) -> FaultDocument {
    let bytes = try await HTTPDoor.open(access) { door in
      try await door.read(
        method, path, body: body.map { .bytes($0) }, limit: access.timeout ?? SharedOptions.unaryTimeout)
    }
    do { return try JSONDecoder().decode(FaultDocument.self, from: bytes) } catch {
      throw Failure(wrapping: error, while: "reading the server's faults")
    }
  }
}
