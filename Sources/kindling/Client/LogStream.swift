import API
import AsyncHTTPClient
import Diagnostics
import Foundation
import NIOCore
import NIOHTTP1
import SwiftProtobuf

/// A build's log as it happens, over as many connections as it takes: each line has a number that the next connection
/// goes on after.
struct LogStream: Sendable {
  typealias Line = Dodil_Ignite_V1_StreamBuildLogsResponse

  let access: ServerAccess
  let buildID: String
  let fromStart: Bool

  /// Hands the lines to `each`, once and in order, as many at a time as arrived together, until the build is over.
  func follow(_ each: @escaping @Sendable ([Line]) async throws -> Void) async throws(Failure) {
    let stream = self
    try await HTTPDoor.open(access) { door in
      try await StreamPosition.follow("the lines", of: stream.buildID) { position in
        try await stream.read(door, from: &position, each)
      }
    }
  }

  private func read(
    _ door: HTTPDoor, from position: inout StreamPosition, _ each: @Sendable ([Line]) async throws -> Void
  ) async throws {
    let start = position.last.map { "after=\($0)" } ?? "from_start=\(fromStart)"
    let path = "/v1/ignite/builds/\(buildID)/logs/stream?\(start)"
    let response = try await door.send(.GET, path, accept: "text/event-stream")
    guard response.status == .ok else {
      throw ServerLetter.failure(
        status: Int(response.status.code), body: try await HTTPDoor.body(of: response, access.endpoint))
    }
    var splitter = LineSplitter()
    var reader = LogEventReader()
    var bodies = response.body.makeAsyncIterator()
    while true {
      let bytes: ByteBuffer?
      do { bytes = try await bodies.next() } catch { throw HTTPDoor.failure(error, access.endpoint) }
      guard let bytes else { return }
      let lines = try splitter.lines(in: bytes) { line in try reader.read(line) }
      if !lines.isEmpty { try await each(lines) }
      position.last = reader.last ?? position.last
      if reader.isOver { position.isOver = true }
    }
  }
}

/// Server-sent events of a log, line by line.
struct LogEventReader {
  private(set) var last: Int?
  private(set) var isOver = false
  private var kind = ""

  /// The log line that a line of the stream carries; nil for the others.
  mutating func read(_ bytes: UnsafeRawBufferPointer) throws -> LogStream.Line? {
    if bytes.starts(with: Self.data) {
      let value = UnsafeRawBufferPointer(rebasing: bytes[Self.data.count...])
      switch kind {
      case "error": throw ServerLetter.eventFailure(Data(value))
      case "end":
        isOver = true
        return nil
      default: return try Self.line(value)
      }
    }
    if bytes.starts(with: Self.id) { last = Int(String(decoding: bytes[Self.id.count...], as: UTF8.self)) }
    if bytes.starts(with: Self.event) { kind = String(decoding: bytes[Self.event.count...], as: UTF8.self) }
    return nil
  }

  /// As our servers write it, by hand; else by the contract's decoder.
  private static func line(_ value: UnsafeRawBufferPointer) throws -> LogStream.Line {
    if value.starts(with: timestamp), value.suffix(end.count).elementsEqual(end) {
      let digits = value[timestamp.count...].prefix { (0x30...0x39).contains($0) }
      let inside = UnsafeRawBufferPointer(rebasing: value[digits.endIndex...])
      if digits.count < 18, inside.starts(with: text), inside.count >= text.count + end.count,
        let words = JSONString.text(UnsafeRawBufferPointer(rebasing: inside[text.count..<(inside.count - end.count)]))
      {
        var line = LogStream.Line()
        line.timestampMs = digits.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
        line.line = words
        return line
      }
    }
    return try LogStream.Line(jsonUTF8Bytes: Array(value))
  }

  private static let data = Array("data: ".utf8)
  private static let id = Array("id: ".utf8)
  private static let event = Array("event: ".utf8)
  private static let timestamp = Array(#"{"timestampMs":""#.utf8)
  private static let text = Array(#"","line":""#.utf8)
  private static let end = Array(#""}"#.utf8)
}
