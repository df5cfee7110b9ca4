import Foundation
import TestSupport

/// What a call that failed must not leave.
enum Leftovers {
  /// Everything in the folder of unfinished work.
  static func of(_ server: ServerProcess) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: server.data + "/work").filter { $0 != "uploads" }
  }

  /// The tags of an image of the default organisation; nil when there is no such repository.
  static func tags(of name: String, _ server: ServerProcess) async throws -> [String]? {
    let (status, body, _) = try await server.http("GET", "/v2/dev/\(name)/tags/list", token: server.token)
    return status == 404 ? nil : try JSON(text: body)["tags"].array.compactMap(\.string)
  }
}
