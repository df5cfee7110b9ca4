/// What a server asks for in `WWW-Authenticate` (RFC 9110, section 11.6.1; distribution's token specification).
struct AuthChallenge: Sendable, Hashable {
  /// In lower case: `basic`, `bearer`.
  var scheme: String
  /// Names in lower case.
  var parameters: [String: String]

  /// Every challenge of every header; what cannot be read is left out.
  static func all(in headers: [String]) -> [AuthChallenge] {
    headers.flatMap { header in
      var reader = Reader(bytes: Array(header.utf8))
      return reader.challenges()
    }
  }

  private struct Reader {
    let bytes: [UInt8]
    var index = 0

    mutating func challenges() -> [AuthChallenge] {
      var found: [AuthChallenge] = []
      while true {
        skip(" \t,")
        let word = token()
        if word.isEmpty { return found }
        let afterWord = index
        skip(" \t")
        if index < bytes.count, bytes[index] == UInt8(ascii: "="), !found.isEmpty {
          index += 1
          skip(" \t")
          found[found.count - 1].parameters[word.lowercased()] = value()
        } else {
          index = afterWord
          found.append(AuthChallenge(scheme: word.lowercased(), parameters: [:]))
        }
      }
    }

    private mutating func skip(_ characters: StaticString) {
      while index < bytes.count, "\(characters)".utf8.contains(bytes[index]) { index += 1 }
    }

    private mutating func token() -> String {
      let start = index
      while index < bytes.count, !" \t,=\"".utf8.contains(bytes[index]) { index += 1 }
      return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    private mutating func value() -> String {
      guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else { return token() }
      index += 1
      var text: [UInt8] = []
      while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
        if bytes[index] == UInt8(ascii: "\\"), index + 1 < bytes.count { index += 1 }
        text.append(bytes[index])
        index += 1
      }
      index = min(index + 1, bytes.count)
      return String(decoding: text, as: UTF8.self)
    }
  }
}
