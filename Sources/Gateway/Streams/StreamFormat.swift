import Diagnostics

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
