import AsyncHTTPClient
import Diagnostics
import Foundation
import NIOHTTP1

/// What `/_kindling/queue` answers.
struct QueueDocument: Codable, Sendable {
  struct Build: Codable, Sendable {
    var buildId: String
    var name: String
    var status: String
    var createdAtMs: Int64
    /// In the line, from 1; nil once it runs.
    var position: Int?
    var reason: String?
  }

  var workers: Int
  /// Of all organisations.
  var running: Int
  var waiting: Int
  var paused: Bool
  var pausedSinceMs: Int64?
  /// Why no build can run on the server's machine.
  var unavailable: String?
  var ownRunning: Int
  var ownWaiting: Int
  var builds: [Build]

  static func read(_ access: ServerAccess) async throws(Failure) -> QueueDocument {
    try await HTTPDoor.open(access) { door in
      try decoded(try await door.read(.GET, "/_kindling/queue", limit: access.timeout ?? SharedOptions.unaryTimeout))
    }
  }

  static func change(_ change: Change, _ access: ServerAccess) async throws(Failure) -> QueueDocument {
    try await HTTPDoor.open(access) { door in
      let body = Data(JSONText.line(change).utf8)
      return try decoded(
        try await door.read(
          .PUT, "/_kindling/queue", body: .bytes(body), limit: access.timeout ?? SharedOptions.unaryTimeout))
    }
  }

  /// One build's place; nil where the server cannot tell.
  static func build(_ id: String, _ access: ServerAccess) async -> Build? {
    let answer = try? await HTTPDoor.open(access) { door in
      try await door.read(.GET, "/_kindling/queue?build=\(id)", limit: .seconds(10))
    }
    return answer.flatMap { try? JSONDecoder().decode(Build.self, from: $0) }
  }

  /// What a PUT carries; nil leaves it as it is.
  struct Change: Codable, Sendable, Hashable {
    var workers: Int?
    var paused: Bool?
  }

  private static func decoded(_ bytes: Data) throws(Failure) -> QueueDocument {
    do { return try JSONDecoder().decode(QueueDocument.self, from: bytes) } catch {
      throw Failure(wrapping: error, while: "reading the server's queue")
    }
  }
}
