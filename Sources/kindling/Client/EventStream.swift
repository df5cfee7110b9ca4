import AsyncHTTPClient
import Diagnostics
import Foundation
import NIOCore
import NIOHTTP1

/// A build's events as they happen, over as many connections as it takes.
struct EventStream: Sendable {
  let access: ServerAccess
  let buildID: String

  /// Pauses before another attempt; as many attempts in a row without an event as there are pauses.
  private static let pauses: [Duration] = [
    .milliseconds(200), .milliseconds(500), .seconds(1), .seconds(2), .seconds(3),
  ]

  /// Hands every event from the first to the terminal one to `each`, once and in order, with the line it came in.
  func follow(_ each: @escaping @Sendable (BuildEvent, String) async -> Void) async throws(Failure) {
    let stream = self
    try await HTTPDoor.open(access) { door in
      var position = Position()
      var attempt = 0
      while true {
        let before = position.last
        do {
          try await stream.read(door, from: &position, each)
          if position.isOver { return }
        } catch let failure as Failure where failure.code != .unavailable { throw failure } catch {
          if attempt >= Self.pauses.count { throw error }
        }
        attempt = position.last > before ? 0 : attempt + 1
        guard attempt <= Self.pauses.count else {
          throw Failure(
            .unavailable,
            reason: "stream-broken",
            "the events of '\(stream.buildID)' end before the build does",
            hint: "look again with: kindling build get \(stream.buildID)"
          )
        }
        try await Task.sleep(for: Self.pauses[max(0, attempt - 1)])
      }
    }
  }

  /// How far the stream was read.
  private struct Position {
    var last = 0
    var isOver = false
  }

  private func read(
    _ door: HTTPDoor,
    from position: inout Position,
    _ each: @Sendable (BuildEvent, String) async -> Void
  ) async throws {
    let path = "/_kindling/builds/\(buildID)/events?after=\(position.last)"
    let response = try await door.send(.GET, path, accept: "application/x-ndjson")
    guard response.status == .ok else {
      throw ServerLetter.failure(
        status: Int(response.status.code),
        body: try await HTTPDoor.body(of: response, access.endpoint)
      )
    }
    let decoder = JSONDecoder()
    var splitter = LineSplitter()
    do {
      for try await bytes in response.body {
        for line in splitter.lines(in: bytes) {
          guard let event = try? decoder.decode(BuildEvent.self, from: line) else {
            if let failure = ServerLetter.streamFailure(line) { throw failure }
            // An event of a kind this client does not know yet is not ours to show.
            continue
          }
          guard event.sequence > position.last else { continue }
          position.last = event.sequence
          await each(event, String(decoding: line, as: UTF8.self))
          if case .finished = event.kind { position.isOver = true }
        }
      }
    } catch {
      throw HTTPDoor.failure(error, access.endpoint)
    }
  }
}
