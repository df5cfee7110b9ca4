import Diagnostics

/// Collects in memory what is written, for things known to be small.
package final class BytesWriter: ByteWriter {
  package private(set) var bytes: [UInt8] = []
  /// Whether the chain above was finished.
  package private(set) var isFinished = false

  package init() {}

  package func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) { self.bytes.append(contentsOf: bytes) }

  package func finish() throws(Failure) { isFinished = true }
}
