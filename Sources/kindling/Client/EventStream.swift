import AsyncHTTPClient
import Diagnostics
import Foundation
import NIOCore
import NIOHTTP1
import Storage

/// A build's events as they happen, over as many connections as it takes.
struct EventStream: Sendable {
  let access: ServerAccess
  let buildID: String

  /// Hands every event from the first to the terminal one to `each`, once and in order, with the line it came in.
  func follow(_ each: @escaping @Sendable (BuildEvent, String) async -> Void) async throws(Failure) {
    let stream = self
    try await HTTPDoor.open(access) { door in
      try await StreamPosition.follow("the events", of: stream.buildID) { position in
        try await stream.read(door, from: &position, each)
      }
    }
  }

  private func read(
    _ door: HTTPDoor,
    from position: inout StreamPosition,
    _ each: @Sendable (BuildEvent, String) async -> Void
  ) async throws {
    let path = "/_kindling/builds/\(buildID)/events?after=\(position.last ?? 0)"
    let response = try await door.send(.GET, path, accept: "application/x-ndjson")
    guard response.status == .ok else {
      throw ServerLetter.failure(
        status: Int(response.status.code),
        body: try await HTTPDoor.body(of: response, access.endpoint)
      )
    }
    var splitter = LineSplitter()
    do {
      for try await bytes in response.body {
        for (event, line) in try splitter.lines(in: bytes, Self.event) {
          guard event.sequence > position.last ?? 0 else { continue }
          position.last = event.sequence
          await each(event, line)
          if case .finished = event.kind { position.isOver = true }
        }
      }
    } catch {
      throw HTTPDoor.failure(error, access.endpoint)
    }
  }

  /// Nil for an event of a kind this client does not know yet, which is not ours to show.
  private static func event(_ line: UnsafeRawBufferPointer) throws -> (BuildEvent, String)? {
    if let event = EventLine.event(line) { return (event, String(decoding: line, as: UTF8.self)) }
    if let failure = ServerLetter.streamFailure(Data(line)) { throw failure }
    return nil
  }
}
