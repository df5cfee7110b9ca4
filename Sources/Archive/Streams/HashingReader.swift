import Diagnostics
import OCI

/// Hashes and counts what is read through it.
package final class HashingReader: ByteReader {
  private let source: any ByteReader
  private let running: RunningDigest
  /// Bytes read so far.
  package private(set) var count: Int64 = 0

  package init(over source: any ByteReader, algorithm: Digest.Algorithm = .sha256) {
    self.source = source
    self.running = RunningDigest(algorithm)
  }

  /// The digest of everything read so far.
  package var digest: Digest { running.digest() }

  package func read(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    let count = try source.read(into: buffer)
    running.update(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count]))
    self.count += Int64(count)
    return count
  }
}
