import Diagnostics
import FoundationEssentials
import HTTPTypes
import HummingbirdCore
import NIOCore

extension Response {
  /// A JSON answer that no cache may keep.
  static func json(_ bytes: [UInt8], status: HTTPResponse.Status = .ok) -> Response {
    Response(
      status: status,
      headers: [.contentType: "application/json", .cacheControl: "no-store"],
      body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
    )
  }

  /// A JSON answer made from a value of ours.
  static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) -> Response {
    .json(JSONBytes.encoded(value), status: status)
  }

  /// Words for people.
  static func text(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
    Response(
      status: status,
      headers: [.contentType: "text/plain; charset=utf-8", .cacheControl: "no-store"],
      body: ResponseBody(byteBuffer: ByteBuffer(string: text))
    )
  }
}

/// JSON of small values of our own.
enum JSONBytes {
  /// An encoder's failure is impossible for the plain structures handed in here, so it reads as an empty object.
  static func encoded(_ value: some Encodable) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
    guard let data = try? encoder.encode(value) else { return Array("{}".utf8) }
    return Array(data)
  }

  /// `text` as a JSON string with its quotes.
  static func quoted(_ text: String) -> String { String(decoding: encoded(text), as: UTF8.self) }
}
