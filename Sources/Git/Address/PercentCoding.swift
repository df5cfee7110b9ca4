/// Percent-encoding of URLs (RFC 3986 §2.1).
enum PercentCoding {
  /// Nil where a `%` is not followed by two digits, or the bytes are no UTF-8.
  static func decoded(_ text: Substring) -> String? {
    guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst(), let low = rest.popFirst(),
        Character(UnicodeScalar(high)).isHexDigit,
        let value = UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16)
      else { return nil }
      bytes.append(value)
    }
    return String(validating: bytes, as: UTF8.self)
  }

  /// Encodes what would end a path or be decoded in it.
  static func encoded(_ path: String) -> String {
    var encoded = ""
    for character in path {
      switch character {
      case "%": encoded += "%25"
      case "#": encoded += "%23"
      case "?": encoded += "%3F"
      case " ": encoded += "%20"
      default: encoded.append(character)
      }
    }
    return encoded
  }
}
