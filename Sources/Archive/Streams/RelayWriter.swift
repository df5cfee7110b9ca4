import Diagnostics
import Dispatch
import Synchronization

/// Hands what is written to the writer below on a thread of its own, so that compressing and what follows it go on at
/// once. Small content, which would only wait for the thread, is written directly.
///
/// Unchecked: a buffer is the caller's until it is queued, and the queue's, which is serial, until `free` counts it.
package final class RelayWriter: ByteWriter, @unchecked Sendable {
  private static let size = 1 << 20
  private static let count = 4
  /// Bytes that are written directly first.
  private static let direct = 4 << 20

  private let target: any ByteWriter
  private let queue = DispatchQueue(label: "relay")
  private let free = DispatchSemaphore(value: RelayWriter.count)
  private var buffers: [FixedBuffer] = []
  private var next = 0
  private var written = 0
  private let failure = Mutex<Failure?>(nil)

  package init(into target: any ByteWriter) { self.target = target }

  package func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    written += bytes.count
    guard written > Self.direct else { return try target.write(bytes) }
    if buffers.isEmpty { buffers = (0..<Self.count).map { _ in FixedBuffer(capacity: Self.size) } }
    var rest = bytes
    while !rest.isEmpty {
      let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.size))
      try relay(piece)
      rest = UnsafeRawBufferPointer(rebasing: rest[piece.count...])
    }
  }

  package func finish() throws(Failure) {
    queue.sync {}
    if let failure = failure.withLock({ $0 }) { throw failure }
    try target.finish()
  }

  private func relay(_ piece: UnsafeRawBufferPointer) throws(Failure) {
    free.wait()
    if let failure = failure.withLock({ $0 }) {
      free.signal()
      throw failure
    }
    let (turn, count) = (next, piece.count)
    next = (next + 1) % Self.count
    buffers[turn].bytes.copyMemory(from: piece)
    queue.async {
      do throws(Failure) {
        if self.failure.withLock({ $0 }) == nil { try self.target.write(self.buffers[turn].view(0..<count)) }
      } catch {
        self.failure.withLock { $0 = error }
      }
      self.free.signal()
    }
  }

  // A semaphore that goes while it is below its first value is a crash (libdispatch); what is queued holds the writer,
  // so that by now every buffer is free again.
}
