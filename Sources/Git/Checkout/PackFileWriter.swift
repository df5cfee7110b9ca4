import CCompression
import Diagnostics
import SystemPackage

/// Writes objects as a pack with its index (gitformat-pack, versions 2), for a `.git` that other programs read.
///
/// Objects are compressed one by one, without deltas: it is fast, and the pack lives no longer than a build.
final class PackFileWriter {
  private struct Written {
    var id: ObjectID
    var offset: Int64
    var checksum: UInt32
  }

  private let folder: FilePath
  private let format: ObjectID.Format
  private let output: HashedOutput
  private let window = ObjectWindow()
  private var written: [Written] = []
  private var stream = z_stream()
  private let compressed = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 64)

  /// Announces `count` objects; they must follow.
  init(in folder: FilePath, format: ObjectID.Format, count: Int) throws(Failure) {
    self.folder = folder
    self.format = format
    output = try HashedOutput(folder.appending("new.pack"), format)
    guard deflateInit_(&stream, Z_BEST_SPEED, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw Failure(.resourceExhausted, reason: "out-of-memory", "no memory is left to compress a pack")
    }
    try output.append("PACK".utf8)
    try output.append(number: UInt32(2))
    try output.append(number: UInt32(truncatingIfNeeded: count))
  }

  deinit {
    deflateEnd(&stream)
    compressed.deallocate()
  }

  func append(_ id: ObjectID, _ object: StoredObject, in file: OpenFile) throws(Failure) {
    let offset = output.position
    var checksum: UInt32 = 0
    try put(header(object), &checksum)
    deflateReset(&stream)
    try window.forEachPart(of: object, in: file) { part throws(Failure) in
      try self.deflate(part, Z_NO_FLUSH, &checksum)
    }
    try deflate(UnsafeRawBufferPointer(start: nil, count: 0), Z_FINISH, &checksum)
    written.append(Written(id: id, offset: offset, checksum: checksum))
  }

  /// Ends the pack, writes its index and gives both their names.
  func finish() throws(Failure) {
    let trailer = try output.finish()
    let name = "pack-" + trailer.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    try writeIndex(folder.appending("\(name).idx"), trailer)
    try StoreFolder.rename(folder.appending("new.pack"), to: folder.appending("\(name).pack"))
  }

  /// Kind and size: three bits and four in the first byte, seven in each that follows.
  private func header(_ object: StoredObject) -> [UInt8] {
    var size = UInt64(object.size)
    var bytes = [object.kind.rawValue << 4 | UInt8(size & 15)]
    size >>= 4
    while size > 0 {
      bytes[bytes.count - 1] |= 0x80
      bytes.append(UInt8(size & 0x7F))
      size >>= 7
    }
    return bytes
  }

  private func deflate(_ part: UnsafeRawBufferPointer, _ flush: Int32, _ checksum: inout UInt32) throws(Failure) {
    stream.next_in = UnsafeMutablePointer(mutating: part.baseAddress?.assumingMemoryBound(to: UInt8.self))
    stream.avail_in = UInt32(part.count)
    while true {
      stream.next_out = compressed.baseAddress?.assumingMemoryBound(to: UInt8.self)
      stream.avail_out = UInt32(compressed.count)
      let result = CCompression.deflate(&stream, flush)
      try put(UnsafeRawBufferPointer(rebasing: compressed[..<(compressed.count - Int(stream.avail_out))]), &checksum)
      if flush == Z_FINISH ? result == Z_STREAM_END : stream.avail_in == 0 && stream.avail_out > 0 { return }
      guard result == Z_OK || result == Z_BUF_ERROR else {
        throw Failure(
          .internal, reason: "git-pack-failed", "an object cannot be compressed", cause: "zlib says \(result)")
      }
    }
  }

  private func put(_ bytes: some Collection<UInt8>, _ checksum: inout UInt32) throws(Failure) {
    let sum: UInt32? = bytes.withContiguousStorageIfAvailable { buffer in
      UInt32(truncatingIfNeeded: crc32(UInt(checksum), buffer.baseAddress, UInt32(buffer.count)))
    }
    if let sum, !bytes.isEmpty { checksum = sum }
    try output.append(bytes)
  }

  private func writeIndex(_ path: FilePath, _ trailer: [UInt8]) throws(Failure) {
    let sorted = written.sorted { $0.id < $1.id }
    let index = try HashedOutput(path, format)
    try index.append([0xFF, 0x74, 0x4F, 0x63])
    try index.append(number: UInt32(2))
    var fanout = [UInt32](repeating: 0, count: 256)
    for object in sorted { fanout[Int(object.id.bytes[0])] += 1 }
    for byte in 1..<256 { fanout[byte] += fanout[byte - 1] }
    for count in fanout { try index.append(number: count) }
    for object in sorted { try index.append(object.id.bytes) }
    for object in sorted { try index.append(number: object.checksum) }
    // Offsets beyond 31 bits are numbers of the table that follows.
    var large: [Int64] = []
    for object in sorted {
      if object.offset < 1 << 31 {
        try index.append(number: UInt32(object.offset))
      } else {
        try index.append(number: UInt32(1 << 31) | UInt32(large.count))
        large.append(object.offset)
      }
    }
    for offset in large { try index.append(number: offset) }
    try index.append(trailer)
    _ = try index.finish()
  }
}
