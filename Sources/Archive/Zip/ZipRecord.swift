import Diagnostics
import SystemPackage

/// One record of a zip archive's central directory (APPNOTE.TXT 4.3.12), checked and understood.
struct ZipRecord {
  static let fixedSize = 46
  static let signature: Int64 = 0x0201_4B50

  private let fields: LittleEndianFields
  let name: [UInt8]
  private let extra: LittleEndianFields

  var flags: Int { fields.u16(8) }
  var methodNumber: Int { fields.u16(10) }
  var checksum: UInt32 { UInt32(truncatingIfNeeded: fields.u32(16)) }
  private(set) var compressedSize: Int64
  private(set) var size: Int64
  private(set) var headerOffset: Int64

  /// Lengths of name, extra field and comment, which follow the fixed part.
  static func variableSizes(_ fixed: LittleEndianFields) -> (name: Int, extra: Int, comment: Int) {
    (fixed.u16(28), fixed.u16(30), fixed.u16(32))
  }

  init(fixed: LittleEndianFields, name: [UInt8], extra: [UInt8]) throws(Failure) {
    fields = fixed
    self.name = name
    self.extra = LittleEndianFields(extra)
    compressedSize = fixed.u32(20)
    size = fixed.u32(24)
    headerOffset = fixed.u32(42)
    try readWideFields()
    guard fields.u16(34) == 0 || fields.u16(34) == 0xFFFF else {
      throw .archiveUnsupported("zip archive is split over several disks", hint: "make the archive in one piece")
    }
  }

  /// Reads what zip64 holds for fields that are all ones, in this order.
  private mutating func readWideFields() throws(Failure) {
    let wide = block(0x0001)
    var position = 0
    for field in [\ZipRecord.size, \.compressedSize, \.headerOffset] where self[keyPath: field] == 0xFFFF_FFFF {
      guard let wide, wide.bytes.count >= position + 8 else {
        throw .archiveCorrupt("zip entry '\(quoted)' lacks its zip64 sizes")
      }
      self[keyPath: field] = wide.u64(position)
      position += 8
    }
  }

  var quoted: String { ArchivePath.quoted(name) }

  /// One block of the extra field; nil when there is none of that kind.
  private func block(_ kind: Int) -> LittleEndianFields? {
    var position = 0
    while position + 4 <= extra.bytes.count {
      let end = position + 4 + extra.u16(position + 2)
      if end > extra.bytes.count { return nil }
      if extra.u16(position) == kind { return LittleEndianFields(extra.bytes[(position + 4)..<end]) }
      position = end
    }
    return nil
  }

  func method() throws(Failure) -> ZipMethod {
    // Bit 0: encrypted; 6: strongly; 13: the directory is.
    guard flags & (1 | 1 << 6 | 1 << 13) == 0 else {
      throw .archiveUnsupported("zip entry '\(quoted)' is encrypted", hint: "make the archive without a password")
    }
    switch methodNumber {
    case 0:
      guard size == compressedSize else { throw .archiveCorrupt("zip entry '\(quoted)' is stored in another size") }
      return .stored
    case 8: return .deflated
    default:
      throw .archiveUnsupported(
        "zip entry '\(quoted)' is packed with the method \(ZipMethod.name(methodNumber))",
        hint: "make the archive with deflate, or as tar.gz"
      )
    }
  }

  /// The member as tar would hold it; a link's target is its body, still to be read.
  func file(limits: TarLimits) throws(Failure) -> TarEntry {
    let isUnix = [3, 19].contains(fields.u16(4) >> 8)
    if !isUnix, name.contains(UInt8(ascii: "\\")) {
      throw .archivePathEscapes("zip entry '\(quoted)' has backslashes", hint: "make the archive with forward slashes")
    }
    let path = try ArchivePath.relative(
      isUnix ? name : decodedName,
      absolute: limits.absolutePaths,
      limit: limits.pathLength
    )
    let attributes = Int(fields.u32(38))
    let unixMode = isUnix ? attributes >> 16 : 0
    let isNamedDirectory = name.last == UInt8(ascii: "/") || !isUnix && attributes & 0x10 != 0
    let kind: TarEntry.Kind
    switch unixMode & 0o170000 {
    case 0: kind = isNamedDirectory ? .directory : .file
    case 0o100000: kind = isNamedDirectory ? .directory : .file
    case 0o040000: kind = .directory
    case 0o120000: kind = .symlink(target: FilePath())
    default:
      throw .archiveUnsupported(
        "zip entry '\(quoted)' is neither file, directory nor link",
        hint: "leave it out of the archive"
      )
    }
    guard kind != .directory || size == 0 else {
      throw .archiveCorrupt("zip entry '\(quoted)' is a directory with a body")
    }
    guard !path.isEmpty || kind == .directory else { throw .archiveCorrupt("zip archive has a file without a name") }
    let usual: UInt16 = kind == .directory ? 0o755 : kind == .file ? 0o644 : 0o777
    let mode = unixMode == 0 ? usual : UInt16(unixMode & 0o7777)
    return TarEntry(path: path, kind: kind, mode: mode, size: kind == .file ? size : 0, mtime: time)
  }

  /// UTF-8 where it says so or is so, else code page 437, as DOS had it (APPNOTE.TXT appendix D).
  private var decodedName: [UInt8] {
    if flags & 1 << 11 != 0 || String(validating: name, as: UTF8.self) != nil { return name }
    let high = Array(Self.codePage437)
    return Array(String(name.map { $0 < 0x80 ? Character(UnicodeScalar($0)) : high[Int($0) - 0x80] }).utf8)
  }

  private static let codePage437 =
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐"
    + "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{A0}"

  /// Info-ZIP's time stamp, else DOS's, which has no time zone and is taken as UTC so that all machines agree.
  private var time: FileTime {
    if let stamp = block(0x5455), stamp.bytes.count >= 5, stamp.bytes[0] & 1 != 0 {
      return FileTime(seconds: Int64(Int32(truncatingIfNeeded: stamp.u32(1))))
    }
    let (time, date) = (fields.u16(12), fields.u16(14))
    let days = Self.daysSince1970(year: 1980 + date >> 9, month: max(1, date >> 5 & 15), day: max(1, date & 31))
    return FileTime(seconds: Int64(days * 86_400 + (time >> 11) * 3600 + (time >> 5 & 63) * 60 + (time & 31) * 2))
  }

  /// Days of the Gregorian calendar, counted in years that begin in March so that leap days come last.
  private static func daysSince1970(year: Int, month: Int, day: Int) -> Int {
    let shifted = year - (month <= 2 ? 1 : 0)
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
  }
}
