import Archive
import Diagnostics
import Storage

/// A blob being written, as the end of a chain of writers; committing it stays with its owner.
package final class BlobSink: ByteWriter {
  private let blob: BlobWriter

  package init(_ blob: BlobWriter) { self.blob = blob }

  package func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) { try blob.write(bytes) }

  package func finish() throws(Failure) {}
}
