import Foundation
import HTTPTypes
import HummingbirdCore
import NIOCore
import Synchronization

/// What the gateway answered, its body read to the end.
struct Answer {
  var status: Int
  var headers: HTTPFields
  var text: String

  var json: [String: Any] {
    (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any] ?? [:]
  }

  var lines: [String] { text.split(separator: "\n").map(String.init) }

  init(_ response: Response) async throws {
    let writer = CollectingWriter()
    try await response.body.write(writer)
    status = response.status.code
    headers = response.headers
    text = writer.text
  }
}

/// Keeps what is written to it.
final class CollectingWriter: ResponseBodyWriter, Sendable {
  private let bytes = Mutex(ByteBuffer())
  private let counted = Mutex(0)

  var text: String { bytes.withLock { String(buffer: $0) } }
  /// Number of write calls.
  var writes: Int { counted.withLock { $0 } }

  func write(_ buffer: ByteBuffer) async throws {
    _ = bytes.withLock { $0.writeImmutableBuffer(buffer) }
    counted.withLock { $0 += 1 }
  }

  func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
