import API
import Diagnostics
import Foundation
import HTTPTypes
import SwiftProtobuf
import Testing

@testable import Gateway
@testable import Service

@Suite("logs are resumed") struct LogResumeTests {
  private func finished(_ house: TestHouse, token: String) async throws -> (path: String, lines: [String]) {
    let id = try await house.build("app", token: token)
    let path = "/v1/ignite/builds/\(id)/logs/stream"
    return (path, try await house.send(.get, path + "?from_start=1", token: token).lines)
  }

  @Test("a line has one number, by which lines and events go on behind every one of them")
  func everyLine() async throws {
    let house = try await TestHouse()
    let token = try await house.token()
    let (path, lines) = try await finished(house, token: token)
    #expect(lines.count > 4)
    for seen in 0...lines.count + 1 {
      let rest = try await house.send(.get, path + "?after=\(seen)", token: token)
      #expect(rest.lines == Array(lines.dropFirst(seen)))
      var headers: HTTPFields = [.accept: "text/event-stream"]
      headers[.lastEventID] = "\(seen)"
      let events = try await house.send(.get, path, token: token, headers: headers)
      let numbers = events.lines.filter { $0.hasPrefix("id: ") }.map { String($0.dropFirst(4)) }
      #expect(numbers == lines.indices.dropFirst(seen).map { "\($0 + 1)" })
      #expect(
        events.lines.filter { $0.hasPrefix("data: {\"") } == lines.dropFirst(seen).map { "data: " + $0 })
    }
  }

  @Test("what is no number is refused", arguments: ["x", "-1", "1.5"])
  func refused(text: String) async throws {
    let house = try await TestHouse()
    let token = try await house.token()
    let (path, _) = try await finished(house, token: token)
    let answer = try await house.send(.get, path + "?after=\(text)", token: token)
    #expect(answer.status == 400 && answer.text.contains("sequence-invalid"))
  }

  @Test("lines written by hand mean what the contract's encoder would have written")
  func encoding() throws {
    let texts = ["", "plain", "\u{1b}[31mred\u{1b}[0m\r\"q\" \\ \t\n\u{0}\u{1f}\u{7f} ü 🦊 \u{2028}", "\u{fffd}"]
    for time: Int64 in [0, 1, 1_700_000_000_123] {
      let batch = LogBatch(first: 7, lines: texts.map { LogLine(at: Timestamp(milliseconds: time), text: $0) })
      let written = StreamFormat.lines.frames(batch).split(separator: 0x0a)
      #expect(written.count == texts.count)
      for (line, text) in zip(written, texts) {
        let message = try Dodil_Ignite_V1_StreamBuildLogsResponse(jsonUTF8Bytes: Array(line))
        #expect(message.line == text && message.timestampMs == time)
      }
    }
    #expect(StreamFormat.lines.frames(LogBatch(first: 7, lines: [])).isEmpty)
    #expect(String(decoding: StreamFormat.events.frames(LogBatch(first: 7, lines: [])), as: UTF8.self) == "id: 6\n\n")
  }
}
