import Diagnostics

/// Passes bytes on until there are more than allowed, then throws `archive-too-large`: the guard against bombs.
package final class LimitedReader: ByteReader {
  private let source: any ByteReader
  private let limit: ByteCount
  private var total: Int64 = 0

  package init(over source: any ByteReader, limit: ByteCount) {
    self.source = source
    self.limit = limit
  }

  package func read(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    let count = try source.read(into: buffer)
    total += Int64(count)
    if total > limit.bytes { throw .archiveTooLarge("archive holds more than \(limit)") }
    return count
  }
}
