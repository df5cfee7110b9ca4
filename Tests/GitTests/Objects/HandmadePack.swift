import CCompression
import Diagnostics

@testable import Git

/// A pack put together byte by byte, wrong where a test wants it to be.
struct HandmadePack {
  var bytes: [UInt8]

  init(objects: UInt32, version: UInt32 = 2, magic: String = "PACK") {
    bytes = Array(magic.utf8) + Self.big(version) + Self.big(objects)
  }

  /// Where the next entry begins.
  var offset: Int { bytes.count }

  static func big(_ word: UInt32) -> [UInt8] { stride(from: 24, through: 0, by: -8).map { UInt8(word >> $0 & 255) } }

  /// Type and size of an entry.
  mutating func header(_ type: UInt8, size: UInt64) {
    var rest = size >> 4
    bytes.append(type << 4 | UInt8(size & 15) | (rest > 0 ? 0x80 : 0))
    while rest > 0 {
      bytes.append(UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
      rest >>= 7
    }
  }

  mutating func object(_ kind: ObjectKind, _ content: [UInt8]) {
    header(kind.rawValue, size: UInt64(content.count))
    bytes += Self.zlib(content)
  }

  mutating func delta(distance: Int, _ delta: [UInt8]) {
    header(6, size: UInt64(delta.count))
    var digits = [UInt8(distance & 0x7F)]
    var rest = distance >> 7
    while rest > 0 {
      rest -= 1
      digits.append(UInt8(rest & 0x7F) | 0x80)
      rest >>= 7
    }
    bytes += digits.reversed() + Self.zlib(delta)
  }

  mutating func delta(base: ObjectID, _ delta: [UInt8]) {
    header(7, size: UInt64(delta.count))
    bytes += base.bytes + Self.zlib(delta)
  }

  /// With the trailer it should have.
  func sealed() throws -> [UInt8] {
    let hash = try LibraryHash(.sha1)
    bytes.withUnsafeBytes { hash.update($0) }
    var trailer = [UInt8](repeating: 0, count: 20)
    trailer.withUnsafeMutableBytes { hash.finish(into: $0) }
    return bytes + trailer
  }

  static func zlib(_ content: [UInt8]) -> [UInt8] {
    var size = compressBound(UInt(content.count))
    var output = [UInt8](repeating: 0, count: Int(size))
    _ = compress(&output, &size, content, UInt(content.count))
    return Array(output.prefix(Int(size)))
  }

  /// Sizes of a delta and its instructions.
  static func instructions(base: UInt64, result: UInt64, _ rest: [UInt8]) -> [UInt8] {
    varint(base) + varint(result) + rest
  }

  static func copy(_ offset: UInt32, _ size: UInt32) -> [UInt8] {
    var instruction: UInt8 = 0x80
    var arguments: [UInt8] = []
    for (bit, value) in (0..<4).map({ ($0, offset >> ($0 * 8) & 255) })
      + (0..<3).map({ ($0 + 4, size >> ($0 * 8) & 255) })
    where value != 0 {
      instruction |= 1 << UInt8(bit)
      arguments.append(UInt8(value))
    }
    return [instruction] + arguments
  }

  static func insert(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + Array(text.utf8) }

  private static func varint(_ value: UInt64) -> [UInt8] {
    var (bytes, rest): ([UInt8], UInt64) = ([], value)
    repeat {
      bytes.append(UInt8(rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
      rest >>= 7
    } while rest > 0
    return bytes
  }
}

/// No objects at hand.
struct NoObjects: ObjectSource {
  func find(_ id: ObjectID) throws(Failure) -> StoredObject? { nil }
}
