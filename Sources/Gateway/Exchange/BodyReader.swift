import Diagnostics
import HummingbirdCore
import NIOCore

/// Reads request bodies: small ones whole, large ones piece by piece with back-pressure to the socket.
enum BodyReader {
  /// Bytes gathered before they are handed to a blocking thread: large enough that the hop costs nothing beside the
  /// hashing, small enough that many uploads fit into memory.
  static let batchSize = 1 << 20

  /// The whole body; nil when it is longer than `limit` bytes.
  static func collect(_ body: RequestBody, limit: Int) async throws(Failure) -> ByteBuffer? {
    var whole = ByteBuffer()
    do {
      for try await piece in body {
        guard whole.readableBytes + piece.readableBytes <= limit else { return nil }
        whole.writeImmutableBuffer(piece)
      }
    } catch {
      throw broken(error)
    }
    return whole
  }

  /// Hands the body in batches, in order, to `take` on a blocking thread, each with the number of bytes before it;
  /// returns the number of all bytes.
  @discardableResult
  static func pour(
    _ body: RequestBody,
    into take: @escaping @Sendable ([ByteBuffer], _ offset: Int64) throws(Failure) -> Void
  ) async throws(Failure) -> Int64 {
    var batch: [ByteBuffer] = []
    var size = 0
    var total: Int64 = 0
    var pieces = body.makeAsyncIterator()
    while let piece = try await next(&pieces) {
      batch.append(piece)
      size += piece.readableBytes
      guard size >= batchSize else { continue }
      try await BlockingWork.run { [batch, total] () throws(Failure) in try take(batch, total) }
      total += Int64(size)
      batch.removeAll(keepingCapacity: true)
      size = 0
    }
    guard size > 0 else { return total }
    try await BlockingWork.run { [batch, total] () throws(Failure) in try take(batch, total) }
    return total + Int64(size)
  }

  private static func next(_ pieces: inout RequestBody.AsyncIterator) async throws(Failure) -> ByteBuffer? {
    do { return try await pieces.next() } catch { throw broken(error) }
  }

  private static func broken(_ error: any Error) -> Failure {
    Failure(
      .invalidArgument,
      reason: "body-broken",
      "the request's body ended before it was complete",
      cause: String(describing: error)
    )
  }
}
