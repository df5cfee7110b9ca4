import Diagnostics
import SystemPackage

/// Where a zip archive's central directory is: what its end records say (APPNOTE.TXT 4.3.14 to 4.3.16).
struct ZipDirectory {
  var offset: Int64
  var size: Int64
  var count: Int64

  private static let endSize = 22
  private static let endSignature: Int64 = 0x0605_4B50
  private static let locatorSize = 20
  private static let locatorSignature: Int64 = 0x0706_4B50
  private static let end64Size = 56
  private static let end64Signature: Int64 = 0x0606_4B50

  /// Finds the directory of an archive of `size` bytes; `read` gives its bytes at an offset, fewer only at its end.
  ///
  /// Other programs look for these records in other ways, and an archive that reads differently to them is a trap: so
  /// there must be exactly one reading, with nothing before, between or behind.
  init(size: Int64, read: (Int64, Int) throws(Failure) -> [UInt8]) throws(Failure) {
    let tailSize = Int(min(size, Int64(Self.endSize + 0xFFFF)))
    let tail = try read(size - Int64(tailSize), tailSize)
    let end = try Self.findEnd(tail)
    let endOffset = size - Int64(tail.count - end)
    let fields = LittleEndianFields(tail[end...])
    guard fields.u16(4) == 0, fields.u16(6) == 0, fields.u16(8) == fields.u16(10) else {
      throw .archiveUnsupported("zip archive is split over several disks", hint: "make the archive in one piece")
    }
    (count, self.size, offset) = (Int64(fields.u16(10)), fields.u32(12), fields.u32(16))
    var directoryEnd = endOffset
    if let end64 = try Self.find64(before: endOffset, read) {
      directoryEnd = end64.offset
      let wide = end64.fields
      guard wide.u32(16) == 0, wide.u32(20) == 0, wide.u64(24) == wide.u64(32),
        count == 0xFFFF || count == wide.u64(32), self.size == 0xFFFF_FFFF || self.size == wide.u64(40),
        offset == 0xFFFF_FFFF || offset == wide.u64(48)
      else { throw .archiveCorrupt("zip archive has end records that disagree") }
      (count, self.size, offset) = (wide.u64(32), wide.u64(40), wide.u64(48))
    }
    guard offset <= directoryEnd, self.size == directoryEnd - offset, count <= self.size / 46 else {
      throw .archiveCorrupt("zip archive has a directory that is not where its end record says")
    }
  }

  private static func findEnd(_ tail: [UInt8]) throws(Failure) -> Int {
    var found: [Int] = []
    var position = tail.count - endSize
    while position >= 0 {
      // The comment must reach exactly to the end.
      if tail[position] == 0x50, tail[position + 1] == 0x4B, tail[position + 2] == 5, tail[position + 3] == 6 {
        let fields = LittleEndianFields(tail[position..<position + endSize])
        if fields.u16(20) == tail.count - position - endSize { found.append(position) }
      }
      position -= 1
    }
    guard let end = found.first else { throw .archiveTruncated("zip archive ends before its directory") }
    guard found.count == 1 else { throw .archiveCorrupt("zip archive has several end records") }
    return end
  }

  private static func find64(
    before end: Int64,
    _ read: (Int64, Int) throws(Failure) -> [UInt8]
  ) throws(Failure) -> (offset: Int64, fields: LittleEndianFields)? {
    guard end >= Int64(locatorSize) else { return nil }
    let locator = LittleEndianFields(try read(end - Int64(locatorSize), locatorSize))
    guard locator.u32(0) == locatorSignature else { return nil }
    let offset = locator.u64(8)
    guard locator.u32(4) == 0, locator.u32(16) == 1, offset <= end - Int64(locatorSize + end64Size) else {
      throw .archiveCorrupt("zip archive has a zip64 record that is not where its locator says")
    }
    let fields = LittleEndianFields(try read(offset, end64Size))
    // The record's own size counts from behind its size field.
    guard fields.u32(0) == end64Signature, fields.u64(4) == end - Int64(locatorSize) - offset - 12 else {
      throw .archiveCorrupt("zip archive has a zip64 record that is not where its locator says")
    }
    return (offset, fields)
  }
}
