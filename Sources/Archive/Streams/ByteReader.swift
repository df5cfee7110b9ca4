import Diagnostics

/// A source of bytes, read by blocking calls from first to last.
///
/// Readers are filters: each wraps another one. None is for use from two threads at once.
package protocol ByteReader: AnyObject {
  /// Fills `buffer` from its start and returns how many bytes came; 0 is the end (or an empty buffer).
  ///
  /// Fewer bytes than fit don't mean that the end is near.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int
}

extension ByteReader {
  /// Reads until `buffer` is full or the end is reached, and returns how many bytes came.
  package func fill(_ buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    var filled = 0
    while filled < buffer.count {
      let count = try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
      if count == 0 { break }
      filled += count
    }
    return filled
  }

  /// Reads everything left to nowhere and returns how many bytes that were.
  @discardableResult
  package func drain() throws(Failure) -> Int64 {
    let buffer = FixedBuffer(capacity: 128 << 10)
    var total: Int64 = 0
    while true {
      try checkCancellation()
      let count = try read(into: buffer.bytes)
      if count == 0 { return total }
      total += Int64(count)
    }
  }

  /// Writes everything left to `writer`, which is not finished, and returns how many bytes that were.
  @discardableResult
  package func copy(to writer: any ByteWriter) throws(Failure) -> Int64 {
    let buffer = FixedBuffer(capacity: 256 << 10)
    var total: Int64 = 0
    while true {
      try checkCancellation()
      let count = try read(into: buffer.bytes)
      if count == 0 { return total }
      try writer.write(UnsafeRawBufferPointer(rebasing: buffer.bytes[..<count]))
      total += Int64(count)
    }
  }

  /// Everything left, as an array; more than `limit` throws `archive-too-large`.
  package func contents(limit: ByteCount) throws(Failure) -> [UInt8] {
    let writer = BytesWriter()
    try LimitedReader(over: self, limit: limit).copy(to: writer)
    return writer.bytes
  }
}

/// Ends long reading when the task it is done for is cancelled: a build that is over reads no gigabytes more.
package func checkCancellation() throws(Failure) {
  guard !Task.isCancelled else { throw Failure(.cancelled, reason: "cancelled", "reading was cancelled") }
}
