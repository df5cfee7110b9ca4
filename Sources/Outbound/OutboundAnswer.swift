import AsyncHTTPClient
import Diagnostics
import NIOCore
import NIOHTTP1
import Synchronization

/// What a server answered: the head, and a body that is still on its way.
///
/// The body is read once. An answer that is let go unread closes its connection.
package final class OutboundAnswer: Sendable {
  package let status: Int
  /// The address that answered, after redirects; without userinfo.
  package let url: OutboundURL
  /// For requests made on the word of this answer.
  package let beginning: OutboundBeginning
  private let head: HTTPHeaders
  private let body: HTTPClientResponse.Body
  private let lease: ClientPool.Lease
  private let unpackedLimit: ByteCount?
  private let isTaken = Mutex(false)

  init(
    _ response: HTTPClientResponse, url: OutboundURL, beginning: OutboundBeginning, lease: ClientPool.Lease,
    unpackedLimit: ByteCount?
  ) {
    status = Int(response.status.code)
    head = response.headers
    body = response.body
    self.url = url.withoutUserinfo
    self.beginning = beginning
    self.lease = lease
    self.unpackedLimit = unpackedLimit
  }

  /// All headers in the order they came.
  package var headers: [(name: String, value: String)] { head.map { ($0.name, $0.value) } }
  /// The first header of that name, whatever its case.
  package func header(_ name: String) -> String? { head.first(name: name) }
  /// Every header of that name, whatever its case.
  package func headers(named name: String) -> [String] { head[name] }
  /// The length of the body as announced.
  package var contentLength: Int64? { header("content-length").flatMap { Int64($0) } }

  /// Hands over the body piece by piece, as it arrives; the server is slowed to the pace of `body`.
  ///
  /// Throws what `body` throws, and `outbound-timeout`, `outbound-closed`, `outbound-too-large`, `cancelled`.
  package func forEachChunk(
    _ each: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) async throws(Failure) {
    if let unpackedLimit, ["gzip", "x-gzip"].contains(header("content-encoding")?.lowercased() ?? "") {
      let unpacker = try GzipUnpacker(limit: unpackedLimit)
      try await forEachRawChunk { chunk throws(Failure) in try unpacker.unpack(chunk, each) }
      try unpacker.finish()
    } else {
      try await forEachRawChunk(each)
    }
  }

  private func forEachRawChunk(_ each: (UnsafeRawBufferPointer) throws(Failure) -> Void) async throws(Failure) {
    let wasTaken = isTaken.withLock { taken in
      defer { taken = true }
      return taken
    }
    guard !wasTaken else {
      throw Failure(.internal, reason: "outbound-body-read", "the body of an answer was read a second time")
    }
    do {
      for try await buffer in body {
        var thrown: Failure?
        buffer.withUnsafeReadableBytes { bytes in
          do throws(Failure) { try each(bytes) } catch { thrown = error }
        }
        if let thrown { throw thrown }
        if Task.isCancelled { break }
      }
    } catch {
      throw Failure.outbound(error, url: url)
    }
    // A cancelled sequence ends as if it were complete.
    if Task.isCancelled { throw Failure.outbound(CancellationError(), url: url) }
  }

  /// The whole body as text. Throws `outbound-too-large` beyond `limit`, and what `forEachChunk` throws.
  package func text(limit: ByteCount) async throws(Failure) -> String {
    String(decoding: try await bytes(limit: limit), as: UTF8.self)
  }

  /// The whole body. Throws `outbound-too-large` beyond `limit`, and what `forEachChunk` throws.
  package func bytes(limit: ByteCount) async throws(Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    try await forEachChunk { chunk throws(Failure) in
      guard Int64(bytes.count + chunk.count) <= limit.bytes else { throw Failure.outboundTooLarge(limit) }
      bytes += chunk
    }
    return bytes
  }

  /// Reads a short body away so that the connection can serve again; one that is long, or not there after two seconds,
  /// costs the connection.
  package func discard() async {
    // A server may drip for days without ever being silent.
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.readAway() }
      group.addTask { try? await Task.sleep(for: .seconds(2)) }
      await group.next()
      group.cancelAll()
    }
  }

  private func readAway() async {
    var count = 0
    try? await forEachRawChunk { chunk throws(Failure) in
      count += chunk.count
      guard count <= 64 << 10 else { throw Failure.outboundTooLarge(.kibibytes(64)) }
    }
  }
}
