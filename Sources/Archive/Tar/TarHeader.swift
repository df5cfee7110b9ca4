import CCompression
import Diagnostics
import Glibc

/// One 512-byte header block of a tar archive as it lies in memory (POSIX pax, "ustar Interchange Format").
struct TarHeader {
  static let size = 512

  /// Field positions; `prefix` is shorter in star's format, and GNU has other things there.
  enum Field {
    static let name = 0..<100
    static let mode = 100..<108
    static let uid = 108..<116
    static let gid = 116..<124
    static let size = 124..<136
    static let mtime = 136..<148
    static let checksum = 148..<156
    static let kind = 156
    static let linkName = 157..<257
    static let magic = 257..<265
    static let userName = 265..<297
    static let groupName = 297..<329
    static let deviceMajor = 329..<337
    static let deviceMinor = 337..<345
    static let prefix = 345..<500
    static let starPrefix = 345..<476
    static let starTrailer = 508..<512
  }

  /// Owned by the reader; exactly one block.
  let block: UnsafeRawBufferPointer

  private static let zeros = [UInt8](repeating: 0, count: size)

  var isZero: Bool {
    Self.zeros.withUnsafeBytes { zeros in
      guard let expected = zeros.baseAddress, let actual = block.baseAddress else { return false }
      return memcmp(expected, actual, Self.size) == 0
    }
  }

  var kind: UInt8 { block[Field.kind] }

  /// Whether the checksum fits, taken over bytes as POSIX says or over signed characters as old programs did.
  var isValid: Bool {
    guard let stored = try? number(Field.checksum, of: "") else { return false }
    return stored == unsignedSum || stored == signedSum
  }

  /// Sum of all bytes with the checksum field read as blanks.
  ///
  /// Adler-32's low half is the sum of the bytes plus one, exact for 256 bytes: a loop in C for debug builds.
  var unsignedSum: Int64 {
    guard let start = block.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return 0 }
    let all = [start, start + 256].reduce(0) { $0 + Int64(adler32(1, $1, 256) & 0xFFFF) - 1 }
    return Field.checksum.reduce(all) { $0 - Int64(block[$1]) + 0x20 }
  }

  private var signedSum: Int64 {
    block.indices.reduce(0) {
      $0 + (Field.checksum.contains($1) ? 0x20 : Int64(Int8(bitPattern: block[$1])))
    }
  }

  /// The bytes of a text field up to its NUL.
  func text(_ field: Range<Int>) -> [UInt8] {
    let bytes = UnsafeRawBufferPointer(rebasing: block[field])
    let length = bytes.baseAddress.map { strnlen($0.assumingMemoryBound(to: CChar.self), bytes.count) } ?? 0
    return Array(bytes.prefix(length))
  }

  /// A numeric field: octal digits between blanks and NULs, or GNU's base 256 when its first bit is set.
  func number(_ field: Range<Int>, of name: @autoclosure () -> String) throws(Failure) -> Int64 {
    let first = block[field.lowerBound]
    if first & 0x80 != 0 { return try binaryNumber(field, of: name()) }
    var value: Int64 = 0
    var hasDigits = false
    var hasEnded = false
    for offset in field {
      let byte = block[offset]
      switch byte {
      case 0x30...0x37 where !hasEnded:
        hasDigits = true
        // Twelve octal digits are 36 bits.
        value = value << 3 | Int64(byte & 7)
      case 0x20 where !hasDigits: continue
      case 0x20, 0: hasEnded = true
      default: throw .archiveCorrupt("tar entry '\(name())' has a number that is not octal")
      }
    }
    return value
  }

  private func binaryNumber(_ field: Range<Int>, of name: @autoclosure () -> String) throws(Failure) -> Int64 {
    let isNegative = block[field.lowerBound] & 0x40 != 0
    var value: Int64 = isNegative ? -1 : 0
    for offset in field {
      let byte = offset == field.lowerBound ? (isNegative ? block[offset] : block[offset] & 0x7F) : block[offset]
      guard value >> 55 == (isNegative ? -1 : 0) else {
        throw .archiveCorrupt("tar entry '\(name())' has a number beyond 63 bits")
      }
      value = value << 8 | Int64(byte)
    }
    return value
  }

  /// The name with its prefix, as the header's own format spells it.
  var path: [UInt8] {
    let name = text(Field.name)
    // "ustar\0" is POSIX; "ustar  \0" is GNU, which keeps times where the prefix would be.
    guard block[257..<263].elementsEqual([0x75, 0x73, 0x74, 0x61, 0x72, 0]) else { return name }
    let isStar = block[Field.starTrailer].elementsEqual([0x74, 0x61, 0x72, 0])
    let prefix = text(isStar ? Field.starPrefix : Field.prefix)
    return prefix.isEmpty ? name : prefix + [0x2F] + name
  }
}
