import NIOCore
import Synchronization

/// Bytes on their way from one producer to one writer: small pieces gather while the writer is busy, and leave in one
/// write. The producer waits when the writer falls behind, so that a slow client costs a bounded buffer.
final class ByteSpool: Sendable {
  private struct State {
    var bytes = ByteBuffer()
    var isFinished = false
  }

  private static let limit = 256 << 10

  private let state = Mutex(State())
  private let filled = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
  private let drained = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

  /// Adds bytes, waiting while the spool is full. One producer calls it. False when nobody will read on.
  func put(_ bytes: [UInt8]) async -> Bool {
    var waiting = drained.stream.makeAsyncIterator()
    while true {
      let isPut = state.withLock { state in
        guard state.bytes.readableBytes < Self.limit else { return false }
        state.bytes.writeBytes(bytes)
        return true
      }
      if isPut {
        filled.continuation.yield()
        return !Task.isCancelled
      }
      guard await waiting.next() != nil else { return false }
    }
  }

  /// Adds bytes only when there are none, from any task.
  func putIfIdle(_ bytes: [UInt8]) {
    let isPut = state.withLock { state in
      guard state.bytes.readableBytes == 0, !state.isFinished else { return false }
      state.bytes.writeBytes(bytes)
      return true
    }
    if isPut { filled.continuation.yield() }
  }

  /// Nothing follows.
  func finish() {
    state.withLock { $0.isFinished = true }
    filled.continuation.yield()
  }

  /// All bytes that are there, as soon as there are any; nil at the end or when the task is cancelled.
  func take() async -> ByteBuffer? {
    var waiting = filled.stream.makeAsyncIterator()
    while true {
      let (taken, isFinished) = state.withLock { state in
        defer { state.bytes = ByteBuffer() }
        return (state.bytes, state.isFinished)
      }
      if taken.readableBytes > 0 {
        drained.continuation.yield()
        return taken
      }
      if isFinished { return nil }
      guard await waiting.next() != nil else { return nil }
    }
  }
}
