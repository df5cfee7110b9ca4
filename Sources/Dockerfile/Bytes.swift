/// The bytes the Dockerfile language is made of.
enum Byte {
  static let tab: UInt8 = 0x09
  static let lineFeed: UInt8 = 0x0A
  static let carriageReturn: UInt8 = 0x0D
  static let space: UInt8 = 0x20
  static let doubleQuote: UInt8 = 0x22
  static let hash: UInt8 = 0x23
  static let singleQuote: UInt8 = 0x27
  static let comma: UInt8 = 0x2C
  static let hyphen: UInt8 = 0x2D
  static let slash: UInt8 = 0x2F
  static let equals: UInt8 = 0x3D
  static let openBracket: UInt8 = 0x5B
  static let backslash: UInt8 = 0x5C
  static let closeBracket: UInt8 = 0x5D
}

extension UInt8 {
  /// Blank inside a line or line end: space and the ASCII controls from tab to carriage return.
  var isBlank: Bool { self == Byte.space || (Byte.tab...Byte.carriageReturn).contains(self) }
  var isDigit: Bool { (0x30...0x39).contains(self) }
}

extension Collection<UInt8> {
  /// The bytes as text.
  var text: String { String(decoding: self, as: UTF8.self) }
}

extension BidirectionalCollection<UInt8> {
  /// The bytes without blanks at either end.
  func trimmed() -> SubSequence {
    guard let first = firstIndex(where: { !$0.isBlank }), let last = lastIndex(where: { !$0.isBlank }) else {
      return self[startIndex..<startIndex]
    }
    return self[first...last]
  }
}

extension String {
  /// The text for an error message: at most 80 characters, the rest shown as `…`.
  var clipped: String {
    var end = unicodeScalars.startIndex
    guard unicodeScalars.formIndex(&end, offsetBy: 80, limitedBy: unicodeScalars.endIndex),
      end != unicodeScalars.endIndex
    else { return self }
    return String(unicodeScalars[..<end]) + "…"
  }
}
