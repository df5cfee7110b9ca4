#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Strings as JSON has them, written straight into bytes: a log is mostly these, and an encoder's ways around cost
/// several times what the bytes do.
package enum JSONString {
  private static let digits: StaticString = "0123456789abcdef"

  /// Appends the text with its escapes, without quotes.
  package static func append(_ text: String, to bytes: inout [UInt8]) {
    var text = text
    text.withUTF8 { utf8 in
      var plain = 0
      for index in utf8.indices {
        let byte = utf8[index]
        guard byte < 0x20 || byte == 0x22 || byte == 0x5c else { continue }
        bytes += UnsafeBufferPointer(rebasing: utf8[plain..<index])
        appendEscape(of: byte, to: &bytes)
        plain = index + 1
      }
      bytes += UnsafeBufferPointer(rebasing: utf8[plain...])
    }
  }

  /// Appends a whole number, which may be negative.
  package static func append(_ number: Int64, to bytes: inout [UInt8]) {
    guard number >= 0 else {
      bytes += String(number).utf8
      return
    }
    var rest = number
    let start = bytes.count
    repeat {
      bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
      rest /= 10
    } while rest > 0
    bytes[start...].reverse()
  }

  private static func appendEscape(of byte: UInt8, to bytes: inout [UInt8]) {
    bytes.append(0x5c)
    switch byte {
    case 0x22, 0x5c: bytes.append(byte)
    case 0x09: bytes.append(UInt8(ascii: "t"))
    case 0x0d: bytes.append(UInt8(ascii: "r"))
    case 0x0a: bytes.append(UInt8(ascii: "n"))
    default:
      bytes.append(UInt8(ascii: "u"))
      bytes.append(UInt8(ascii: "0"))
      bytes.append(UInt8(ascii: "0"))
      bytes.append(UInt8(ascii: byte < 0x10 ? "0" : "1"))
      bytes.append(digits.utf8Start[Int(byte & 15)])
    }
  }

  /// What the inside of a JSON string says; nil for escapes that `append` never writes.
  package static func text(_ bytes: UnsafeRawBufferPointer) -> String? {
    guard let base = bytes.baseAddress, memchr(base, 0x5c, bytes.count) != nil else {
      return String(decoding: bytes, as: UTF8.self)
    }
    var isKnown = true
    // What is written is never longer than its escapes.
    let text = String(unsafeUninitializedCapacity: bytes.count) { space in
      guard let target = space.baseAddress else { return 0 }
      var written = 0
      var rest = bytes
      while let start = rest.baseAddress, let hit = memchr(start, 0x5c, rest.count) {
        let plain = UnsafeRawPointer(hit) - start
        memcpy(target + written, start, plain)
        written += plain
        rest = UnsafeRawBufferPointer(rebasing: rest[plain...])
        guard let (byte, length) = escaped(rest) else {
          isKnown = false
          return 0
        }
        target[written] = byte
        written += 1
        rest = UnsafeRawBufferPointer(rebasing: rest[length...])
      }
      if let start = rest.baseAddress { memcpy(target + written, start, rest.count) }
      return written + rest.count
    }
    return isKnown ? text : nil
  }

  /// The byte that an escape at the beginning stands for, and the escape's length.
  private static func escaped(_ bytes: UnsafeRawBufferPointer) -> (byte: UInt8, length: Int)? {
    guard bytes.count >= 2 else { return nil }
    switch bytes[1] {
    case 0x22, 0x5c: return (bytes[1], 2)
    case UInt8(ascii: "t"): return (0x09, 2)
    case UInt8(ascii: "r"): return (0x0d, 2)
    case UInt8(ascii: "n"): return (0x0a, 2)
    case UInt8(ascii: "u"):
      guard bytes.count >= 6, bytes[2] == 0x30, bytes[3] == 0x30, bytes[4] == 0x30 || bytes[4] == 0x31 else {
        return nil
      }
      let high = (bytes[4] - 0x30) << 4
      switch bytes[5] {
      case 0x30...0x39: return (high | (bytes[5] - 0x30), 6)
      case 0x61...0x66: return (high | (bytes[5] - 0x61 + 10), 6)
      default: return nil
      }
    default: return nil
    }
  }
}
