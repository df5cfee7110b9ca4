import Diagnostics
import Service

/// How a stream of JSON messages is framed (contract §3.4): lines, or server-sent events when the client asks for them.
enum StreamFormat: Sendable, Equatable {
  case lines
  case events

  init(accept: String?) { self = accept?.lowercased().contains("text/event-stream") == true ? .events : .lines }

  var contentType: String { self == .lines ? "application/x-ndjson" : "text/event-stream" }

  /// One message.
  func frame(_ item: StreamItem) -> [UInt8] {
    switch self {
    case .lines: return item.json + [0x0a]
    case .events:
      let head = item.id.map { "id: \($0)\ndata: " } ?? "data: "
      return Array(head.utf8) + item.json + [0x0a, 0x0a]
    }
  }

  /// Some lines of a log as the contract's messages, written by hand, as default values are left out; each with its
  /// number, where the format has a place for it.
  func frames(_ log: LogBatch) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(log.lines.reduce(64 * log.lines.count) { $0 + $1.text.utf8.count })
    var number = log.first
    // An id alone is no message, but what an EventSource comes back with.
    if self == .events, log.lines.isEmpty { bytes += Array("id: \(log.first - 1)\n\n".utf8) }
    for line in log.lines {
      if self == .events {
        bytes += Self.id
        JSONString.append(Int64(number), to: &bytes)
        bytes += Self.data
      }
      number += 1
      bytes.append(UInt8(ascii: "{"))
      let hasTime = line.at.milliseconds != 0
      if hasTime {
        bytes += Self.timestamp
        JSONString.append(line.at.milliseconds, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
      }
      if !line.text.isEmpty {
        bytes += hasTime ? Self.nextText : Self.text
        JSONString.append(line.text, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
      }
      bytes.append(UInt8(ascii: "}"))
      bytes.append(0x0a)
      if self == .events { bytes.append(0x0a) }
    }
    return bytes
  }

  private static let id = Array("id: ".utf8)
  private static let data = Array("\ndata: ".utf8)
  private static let timestamp = Array(#""timestampMs":""#.utf8)
  private static let text = Array(#""line":""#.utf8)
  private static let nextText = Array(#","line":""#.utf8)

  /// What stands after the last message: lines simply end.
  var end: [UInt8] { self == .lines ? [] : Array("event: end\ndata: {}\n\n".utf8) }

  /// What went wrong after the first byte, when the status can no longer tell.
  func failure(_ failure: Failure) -> [UInt8] {
    let letter = FailureLetter(failure).json
    switch self {
    case .lines: return Array("{\"error\":".utf8) + letter + Array("}\n".utf8)
    case .events:
      return Array("event: error\ndata: ".utf8) + letter + [0x0a, 0x0a]
    }
  }

  /// Says that the connection lives; a comment, which only events have.
  var heartbeat: [UInt8] { self == .lines ? [] : Array(": still here\n\n".utf8) }
}

/// One message of a stream.
struct StreamItem: Sendable {
  /// What a client resumes after, in formats that carry it.
  var id: Int?
  /// One JSON value without line ends.
  var json: [UInt8]

  init(id: Int? = nil, json: [UInt8]) {
    self.id = id
    self.json = json
  }
}
