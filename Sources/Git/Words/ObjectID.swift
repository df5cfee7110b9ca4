import Diagnostics

/// The name of a git object: SHA-1 or SHA-256 of its header and content (gitformat-hash, "Object names").
package struct ObjectID: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The hash a repository names its objects with.
  package enum Format: String, Sendable, Hashable {
    case sha1, sha256
    package var byteCount: Int { self == .sha1 ? 20 : 32 }
    package var digitCount: Int { byteCount * 2 }
  }

  package let format: Format
  // Big-endian words, so that comparing them is comparing the bytes; the unused ones are 0.
  private let first: UInt64
  private let second: UInt64
  private let third: UInt64
  private let fourth: UInt64

  /// From raw bytes; there must be `format.byteCount` of them, else nil.
  package init?(_ format: Format, bytes: UnsafeRawBufferPointer) {
    guard bytes.count == format.byteCount else { return nil }
    func word(_ index: Int) -> UInt64 {
      var word: UInt64 = 0
      for offset in index * 8..<index * 8 + 8 { word = word << 8 | UInt64(offset < bytes.count ? bytes[offset] : 0) }
      return word
    }
    self.format = format
    (first, second, third, fourth) = (word(0), word(1), word(2), word(3))
  }

  /// From 40 or 64 hexadecimal digits of either case; nil for anything else.
  package init?(hex: some StringProtocol) {
    let digits = hex.utf8
    guard let format: Format = digits.count == 40 ? .sha1 : digits.count == 64 ? .sha256 : nil else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(format.byteCount)
    var high: UInt8?
    for digit in digits {
      let value: UInt8
      switch digit {
      case 0x30...0x39: value = digit - 0x30
      case 0x41...0x46: value = digit - 0x41 + 10
      case 0x61...0x66: value = digit - 0x61 + 10
      default: return nil
      }
      if let upper = high {
        bytes.append(upper << 4 | value)
        high = nil
      } else {
        high = value
      }
    }
    guard let id = bytes.withUnsafeBytes({ ObjectID(format, bytes: $0) }) else { return nil }
    self = id
  }

  package var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(32)
    for word in [first, second, third, fourth] {
      for shift in stride(from: 56, through: 0, by: -8) {
        bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(shift)))
      }
    }
    bytes.removeLast(32 - format.byteCount)
    return bytes
  }

  /// The first eight bytes, as a number in the order of the names.
  var prefix: UInt64 { first }

  /// Writes the `format.byteCount` bytes to the start of `buffer`.
  func write(to buffer: UnsafeMutableRawBufferPointer) {
    var words = (first.bigEndian, second.bigEndian, third.bigEndian, fourth.bigEndian)
    withUnsafeBytes(of: &words) { buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[..<format.byteCount])) }
  }

  /// All digits, lower case.
  package var hex: String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// The first ten digits, for people.
  package var short: String { String(hex.prefix(10)) }
  package var description: String { hex }

  package static func < (a: Self, b: Self) -> Bool {
    (a.first, a.second, a.third, a.fourth) < (b.first, b.second, b.third, b.fourth)
  }
}

/// What an object is (gitformat-pack, "Object types").
package enum ObjectKind: UInt8, Sendable, Hashable {
  case commit = 1
  case tree = 2
  case blob = 3
  case tag = 4

  /// The word in an object's header.
  package var name: String {
    switch self {
    case .commit: "commit"
    case .tree: "tree"
    case .blob: "blob"
    case .tag: "tag"
    }
  }
}
