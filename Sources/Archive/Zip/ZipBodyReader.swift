import Diagnostics

/// Reads a member of a zip archive and holds it to its size and checksum.
final class ZipBodyReader: ByteReader {
  private let source: any ByteReader
  private let entry: ZipEntry
  /// Bytes there must be; nil for a link, whose size the entry does not tell.
  private let size: Int64?
  /// Keeps the archive open.
  private let archive: ZipReader
  private var count: Int64 = 0
  private var checksum: UInt32 = 0

  init(_ source: any ByteReader, _ entry: ZipEntry, size: Int64?, archive: ZipReader) {
    self.source = source
    self.entry = entry
    self.size = size
    self.archive = archive
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    if buffer.isEmpty { return 0 }
    let read = try source.read(into: buffer)
    count += Int64(read)
    checksum = Checksum.crc32(checksum, UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<read]))
    if let size, count > size || read == 0 && count < size {
      throw .archiveCorrupt("zip entry '\(entry.file.path)' is not of the size it says")
    }
    if read == 0, checksum != entry.checksum {
      throw .archiveCorrupt("zip entry '\(entry.file.path)' has a wrong checksum")
    }
    return read
  }
}
