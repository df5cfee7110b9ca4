import Diagnostics
import OCI

/// Hashes and counts what is written through it.
package final class HashingWriter: ByteWriter {
  private let target: any ByteWriter
  private let running: RunningDigest
  /// Bytes written so far.
  package private(set) var count: Int64 = 0

  package init(into target: any ByteWriter, algorithm: Digest.Algorithm = .sha256) {
    self.target = target
    self.running = RunningDigest(algorithm)
  }

  /// The digest of everything written so far.
  package var digest: Digest { running.digest() }

  package func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    running.update(bytes)
    count += Int64(bytes.count)
    try target.write(bytes)
  }

  package func finish() throws(Failure) { try target.finish() }
}
