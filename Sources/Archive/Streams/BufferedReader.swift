import Diagnostics

/// Reads in large pieces, hands out small ones, and lets its user look ahead.
package final class BufferedReader: ByteReader {
  private let source: any ByteReader
  private let buffer: FixedBuffer
  private var start = 0
  private var end = 0

  /// `capacity` bounds how far `peek` can look.
  package init(over source: any ByteReader, capacity: Int = 128 << 10) {
    self.source = source
    self.buffer = FixedBuffer(capacity: capacity)
  }

  /// The next `count` bytes without taking them, fewer only at the end; valid until the next read.
  package func peek(_ count: Int) throws(Failure) -> UnsafeRawBufferPointer {
    let wanted = min(count, buffer.count)
    if end - start < wanted {
      buffer.bytes.copyMemory(from: buffer.view(start..<end))
      end -= start
      start = 0
      while end < wanted {
        let count = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[end...]))
        if count == 0 { break }
        end += count
      }
    }
    return buffer.view(start..<min(start + wanted, end))
  }

  package func read(into target: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    if start == end {
      if target.count >= buffer.count { return try source.read(into: target) }
      start = 0
      end = 0
      end = try source.read(into: buffer.bytes)
    }
    let count = min(target.count, end - start)
    target.copyMemory(from: buffer.view(start..<start + count))
    start += count
    return count
  }

  /// Takes up to `count` bytes to nowhere, and returns how many there were.
  package func skip(_ count: Int64) throws(Failure) -> Int64 {
    var skipped: Int64 = 0
    while skipped < count {
      if start == end {
        start = 0
        end = 0
        end = try source.read(into: buffer.bytes)
        if end == 0 { break }
      }
      let step = Int(min(Int64(end - start), count - skipped))
      start += step
      skipped += Int64(step)
    }
    return skipped
  }
}
