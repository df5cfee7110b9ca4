import Diagnostics

/// Reads bytes that are in memory anyway, such as a here-document.
package final class BytesReader: ByteReader {
  private let bytes: [UInt8]
  private var position = 0
  private let pieceSize: Int

  /// Hands the bytes out in pieces of at most `pieceSize`.
  package init(_ bytes: [UInt8], pieceSize: Int = .max) {
    self.bytes = bytes
    self.pieceSize = pieceSize
  }

  package func read(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    let count = min(buffer.count, bytes.count - position, pieceSize)
    bytes.withUnsafeBytes { source in
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: source[position..<position + count]))
    }
    position += count
    return count
  }
}
