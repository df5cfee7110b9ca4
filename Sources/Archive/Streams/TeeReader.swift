import Diagnostics

/// Writes everything that is read through it to a writer too.
final class TeeReader: ByteReader {
  private let source: any ByteReader
  private let target: any ByteWriter

  init(over source: any ByteReader, into target: any ByteWriter) {
    self.source = source
    self.target = target
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    let count = try source.read(into: buffer)
    try target.write(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count]))
    return count
  }

  /// Finishes the writer.
  func finish() throws(Failure) { try target.finish() }
}
