import Diagnostics
import HTTPTypes
import HummingbirdCore
import NIOCore

/// Reads request bodies: small ones whole, large ones piece by piece with back-pressure to the socket.
enum BodyReader {
  /// Bytes gathered before they are handed to a blocking thread: large enough that the hop costs nothing beside the
  /// hashing, small enough that many uploads fit into memory.
  static let batchSize = 1 << 20

  /// The whole body; nil when it is longer than `limit` bytes.
  static func collect(_ request: Request, limit: Int) async throws(Failure) -> ByteBuffer? {
    if let announced = announcedLength(request), announced > limit { return nil }
    var whole = ByteBuffer()
    var pieces = request.body.makeAsyncIterator()
    while let piece = try await next(&pieces) {
      guard whole.readableBytes + piece.readableBytes <= limit else { return nil }
      whole.writeImmutableBuffer(piece)
    }
    try check(Int64(whole.readableBytes), request)
    return whole
  }

  /// Hands the body in batches, in order, to `take` on a blocking thread, each with the number of bytes before it;
  /// returns the number of all bytes.
  @discardableResult
  static func pour(
    _ request: Request,
    into take: @escaping @Sendable ([ByteBuffer], _ offset: Int64) throws(Failure) -> Void
  ) async throws(Failure) -> Int64 {
    var batch: [ByteBuffer] = []
    var size = 0
    var total: Int64 = 0
    var pieces = request.body.makeAsyncIterator()
    while let piece = try await next(&pieces) {
      batch.append(piece)
      size += piece.readableBytes
      guard size >= batchSize else { continue }
      try await BlockingWork.run { [batch, total] () throws(Failure) in try take(batch, total) }
      total += Int64(size)
      batch.removeAll(keepingCapacity: true)
      size = 0
    }
    try check(total + Int64(size), request)
    guard size > 0 else { return total }
    try await BlockingWork.run { [batch, total] () throws(Failure) in try take(batch, total) }
    return total + Int64(size)
  }

  private static func announcedLength(_ request: Request) -> Int64? {
    request.headers[.contentLength].flatMap { Int64($0) }
  }

  /// Hummingbird takes a connection that closes inside a body for the body's end.
  private static func check(_ received: Int64, _ request: Request) throws(Failure) {
    guard let announced = announcedLength(request), announced != received else { return }
    throw broken("\(received) of \(announced) bytes came")
  }

  private static func next(_ pieces: inout RequestBody.AsyncIterator) async throws(Failure) -> ByteBuffer? {
    do { return try await pieces.next() } catch { throw broken(String(describing: error)) }
  }

  private static func broken(_ cause: String) -> Failure {
    Failure(
      .invalidArgument,
      reason: "body-broken",
      "the request's body ended before it was complete",
      cause: cause
    )
  }
}
