/// Reads the exec form: a JSON array of strings.
struct JSONStringArray {
  enum Reading: Hashable {
    case strings([String])
    /// Valid JSON and an array, but not of strings alone.
    case otherValues
    case notAnArray
  }

  /// Deeper nesting is not read as JSON; only strings are useful here anyway.
  private static let maximumDepth = 16

  private let bytes: [UInt8]
  private var index = 0

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Reads `text`, blanks around the array allowed.
  static func read(_ text: ArraySlice<UInt8>) -> Reading {
    var reader = JSONStringArray(Array(text))
    reader.skipBlanks()
    guard reader.take(Byte.openBracket) else { return .notAnArray }
    guard let strings = reader.elements() else { return .notAnArray }
    reader.skipBlanks()
    guard reader.index == reader.bytes.count else { return .notAnArray }
    return strings.contains(nil) ? .otherValues : .strings(strings.compactMap { $0 })
  }

  /// The elements up to the closing bracket, nil for one that is no string; nil when this is no JSON.
  private mutating func elements() -> [String?]? {
    var elements: [String?] = []
    skipBlanks()
    if take(Byte.closeBracket) { return elements }
    while true {
      skipBlanks()
      if peek == Byte.doubleQuote {
        guard let string = string() else { return nil }
        elements.append(string)
      } else {
        guard skipValue(depth: 1) else { return nil }
        elements.append(nil)
      }
      skipBlanks()
      if take(Byte.closeBracket) { return elements }
      guard take(Byte.comma) else { return nil }
    }
  }

  private var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard peek == byte else { return false }
    index += 1
    return true
  }

  private mutating func skipBlanks() {
    while let byte = peek, [Byte.space, Byte.tab, Byte.lineFeed, Byte.carriageReturn].contains(byte) { index += 1 }
  }

  private mutating func skipValue(depth: Int) -> Bool {
    guard depth <= Self.maximumDepth else { return false }
    skipBlanks()
    switch peek {
    case Byte.doubleQuote: return string() != nil
    case Byte.openBracket: return skipItems(until: Byte.closeBracket, depth: depth, named: false)
    case UInt8(ascii: "{"): return skipItems(until: UInt8(ascii: "}"), depth: depth, named: true)
    default: return skipWord()
    }
  }

  private mutating func skipItems(until end: UInt8, depth: Int, named: Bool) -> Bool {
    index += 1
    skipBlanks()
    if take(end) { return true }
    while true {
      skipBlanks()
      if named {
        guard peek == Byte.doubleQuote, string() != nil else { return false }
        skipBlanks()
        guard take(UInt8(ascii: ":")) else { return false }
      }
      guard skipValue(depth: depth + 1) else { return false }
      skipBlanks()
      if take(end) { return true }
      guard take(Byte.comma) else { return false }
    }
  }

  /// Skips a number, `true`, `false` or `null`.
  private mutating func skipWord() -> Bool {
    let start = index
    while let byte = peek, byte.isDigit || byte.isASCIILetter || "+-.".utf8.contains(byte) { index += 1 }
    let word = bytes[start..<index].text
    return ["true", "false", "null"].contains(word) || Double(word)?.isFinite == true
  }

  private mutating func string() -> String? {
    guard take(Byte.doubleQuote) else { return nil }
    var result: [UInt8] = []
    while let byte = peek {
      index += 1
      switch byte {
      case Byte.doubleQuote: return result.text
      case Byte.backslash:
        guard let scalar = escaped() else { return nil }
        result.append(contentsOf: String(scalar).utf8)
      case 0..<0x20: return nil
      default: result.append(byte)
      }
    }
    return nil
  }

  private mutating func escaped() -> Unicode.Scalar? {
    guard let byte = peek else { return nil }
    index += 1
    switch byte {
    case Byte.doubleQuote, Byte.backslash, Byte.slash: return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      guard let high = hexadecimal() else { return nil }
      guard (0xD800..<0xDC00).contains(high) else { return Unicode.Scalar(high) ?? "\u{FFFD}" }
      let mark = index
      if take(Byte.backslash), take(UInt8(ascii: "u")), let low = hexadecimal(), (0xDC00..<0xE000).contains(low) {
        return Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
      }
      index = mark
      return "\u{FFFD}"
    default: return nil
    }
  }

  private mutating func hexadecimal() -> UInt32? {
    guard index + 4 <= bytes.count else { return nil }
    let digits = bytes[index..<(index + 4)]
    guard digits.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != Byte.hyphen }) else { return nil }
    index += 4
    return UInt32(digits.text, radix: 16)
  }
}

extension UInt8 {
  fileprivate var isASCIILetter: Bool { (0x41...0x5A).contains(self) || (0x61...0x7A).contains(self) }
}
