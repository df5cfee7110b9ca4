import Diagnostics
import Glibc
import SystemPackage

/// Reads a zip archive on disk: stored and deflated members, zip64, modes and links of Unix (APPNOTE.TXT).
///
/// The directory at the end is what counts; each member's own header must agree with it, and no two members may share
/// bytes. What is hostile, damaged or beyond the limits throws as in `TarReader`.
package final class ZipReader {
  /// The members, in the order of the directory; links have their targets.
  package private(set) var entries: [ZipEntry] = []
  private let descriptor: FileDescriptor
  private let path: FilePath
  private let limits: TarLimits

  package init(_ path: FilePath, limits: TarLimits = .context) throws(Failure) {
    self.path = path
    self.limits = limits
    let raw = try retrying("opened", path) { path.withPlatformString { Glibc.open($0, O_RDONLY | O_CLOEXEC) } }
    descriptor = FileDescriptor(rawValue: raw)
    // Not by fstat(2): which module the compiler takes its structure to be of differs from build to build.
    let size = try retrying("examined", path) { lseek(raw, 0, SEEK_END) }
    let directory = try ZipDirectory(size: Int64(size)) { offset, count throws(Failure) in
      try self.bytes(offset, count)
    }
    try readEntries(directory)
    try checkRanges(end: directory.offset)
    for index in entries.indices { try readTarget(&entries[index]) }
  }

  deinit { close(descriptor.rawValue) }

  /// Reads a member's bytes; at their end, a wrong size or checksum throws `archive-corrupt`.
  package func open(_ entry: ZipEntry) throws(Failure) -> any ByteReader {
    let packed = FileReader(descriptor, offset: entry.dataOffset, length: entry.compressedSize)
    let size = entry.file.kind == .file ? entry.file.size : nil
    switch entry.method {
    case .stored: return ZipBodyReader(packed, entry, size: size, archive: self)
    case .deflated:
      let unpacked = DecodingReader(over: packed, decoder: Decompression.deflateDecoder(.bare))
      return ZipBodyReader(unpacked, entry, size: size, archive: self)
    }
  }

  /// Bytes at an offset, fewer only at the archive's end.
  private func bytes(_ offset: Int64, _ count: Int) throws(Failure) -> [UInt8] {
    let buffer = FixedBuffer(capacity: count)
    let filled = try FileReader(descriptor, offset: offset).fill(buffer.bytes)
    return Array(buffer.view(0..<filled))
  }

  private func readEntries(_ directory: ZipDirectory) throws(Failure) {
    guard directory.count <= limits.entries else {
      throw .archiveTooLarge("zip archive has more than \(limits.entries) entries")
    }
    let reader = BufferedReader(over: FileReader(descriptor, offset: directory.offset, length: directory.size))
    var total: Int64 = 0
    var kinds: [FilePath: TarEntry.Kind] = [:]
    for _ in 0..<directory.count {
      let record = try readRecord(reader)
      let method = try record.method()
      let file = try record.file(limits: limits)
      total = total.addingReportingOverflow(record.size).partialValue
      guard record.size >= 0, total >= 0, total <= limits.totalSize.bytes else {
        throw .archiveTooLarge("zip archive holds more than \(limits.totalSize)")
      }
      if let known = kinds.updateValue(file.kind, forKey: file.path), known != .directory || file.kind != .directory {
        throw .archiveCorrupt("zip archive has the entry '\(record.quoted)' twice")
      }
      let dataOffset = try checkLocalHeader(record)
      entries.append(
        ZipEntry(
          file: file,
          method: method,
          checksum: record.checksum,
          compressedSize: record.compressedSize,
          headerOffset: record.headerOffset,
          dataOffset: dataOffset
        )
      )
    }
    guard try reader.peek(1).isEmpty else {
      throw .archiveCorrupt("zip archive has more entries than its end record says")
    }
  }

  private func readRecord(_ reader: BufferedReader) throws(Failure) -> ZipRecord {
    let fixed = LittleEndianFields(try take(reader, ZipRecord.fixedSize))
    guard fixed.u32(0) == ZipRecord.signature else { throw .archiveCorrupt("zip archive has a damaged directory") }
    let sizes = ZipRecord.variableSizes(fixed)
    let name = try take(reader, sizes.name)
    let record = try ZipRecord(fixed: fixed, name: name, extra: try take(reader, sizes.extra))
    _ = try take(reader, sizes.comment)
    return record
  }

  private func take(_ reader: BufferedReader, _ count: Int) throws(Failure) -> [UInt8] {
    let bytes = Array(try reader.peek(count))
    guard bytes.count == count, try reader.skip(Int64(count)) == Int64(count) else {
      throw .archiveCorrupt("zip archive has a directory that ends early")
    }
    return bytes
  }

  /// Compares the member's own header (APPNOTE.TXT 4.3.7) with the directory, and returns where its data begins.
  private func checkLocalHeader(_ record: ZipRecord) throws(Failure) -> Int64 {
    let fixedSize = 30
    let header = LittleEndianFields(try bytes(record.headerOffset, fixedSize + record.name.count))
    let nameSize = header.u16(26)
    guard header.bytes.count == fixedSize + record.name.count, header.u32(0) == 0x0403_4B50,
      nameSize == record.name.count, header.bytes[fixedSize...].elementsEqual(record.name),
      header.u16(8) == record.methodNumber, header.u16(6) & 1 == record.flags & 1
    else { throw .archiveCorrupt("zip entry '\(record.quoted)' has a header that disagrees with the directory") }
    // Bit 3: checksum and sizes follow the data, and the header has zeros for them.
    if record.flags & 1 << 3 == 0 {
      let isWide = header.u32(18) == 0xFFFF_FFFF || header.u32(22) == 0xFFFF_FFFF
      guard header.u32(14) == Int64(record.checksum),
        isWide || header.u32(18) == record.compressedSize && header.u32(22) == record.size
      else { throw .archiveCorrupt("zip entry '\(record.quoted)' has a size that disagrees with the directory") }
    }
    return record.headerOffset + Int64(fixedSize + nameSize + header.u16(28))
  }

  /// Members that share bytes are how 42 kB become gigabytes.
  private func checkRanges(end: Int64) throws(Failure) {
    var position: Int64 = 0
    for entry in entries.sorted(by: { $0.headerOffset < $1.headerOffset }) {
      let next = entry.dataOffset.addingReportingOverflow(entry.compressedSize)
      guard entry.headerOffset >= position, !next.overflow, entry.compressedSize >= 0, next.partialValue <= end else {
        throw .archiveCorrupt("zip entry '\(entry.file.path)' shares its bytes with another")
      }
      position = next.partialValue
    }
  }

  private func readTarget(_ entry: inout ZipEntry) throws(Failure) {
    guard case .symlink = entry.file.kind else { return }
    let target = try open(entry).contents(limit: ByteCount(Int64(limits.pathLength)))
    guard !target.isEmpty, !target.contains(0) else {
      throw .archiveCorrupt("zip entry '\(entry.file.path)' is a link without a target")
    }
    entry.file.kind = .symlink(target: FilePath(bytes: target))
  }
}
