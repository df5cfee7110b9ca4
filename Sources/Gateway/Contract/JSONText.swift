/// Looks through a JSON text for the place where it is broken, or for its top-level members: SwiftProtobuf's decoder
/// says what kind of mistake it met, not where.
struct JSONText {
  /// A member of the top-level object: its name as written, and its name and value as they stand in the text.
  struct Member: Equatable {
    var name: String
    var text: Range<Int>
  }

  enum Finding: Equatable {
    case object([Member])
    /// A well-formed value that is not an object.
    case otherValue
    /// Line and column count from 1; the column counts bytes.
    case broken(line: Int, column: Int, expected: String)
  }

  private struct Break: Error {
    var offset: Int
    var expected: String
  }

  /// Deeper nesting than any message of the contract has; bounds the recursion.
  private static let deepest = 100

  private let bytes: [UInt8]
  private var index = 0
  private var members: [Member] = []

  static func inspect(_ bytes: [UInt8]) -> Finding {
    var text = JSONText(bytes: bytes)
    do throws(Break) {
      text.skipBlanks()
      let isObject = text.current == UInt8(ascii: "{")
      try text.value(depth: 0)
      text.skipBlanks()
      guard text.current == nil else { throw text.broken("the end") }
      return isObject ? .object(text.members) : .otherValue
    } catch {
      let before = bytes[..<error.offset]
      let line = before.count { $0 == 0x0a } + 1
      let lineStart = before.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
      return .broken(line: line, column: error.offset - lineStart + 1, expected: error.expected)
    }
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

  private func broken(_ expected: String) -> Break { Break(offset: index, expected: expected) }

  private mutating func skipBlanks() {
    while let byte = current, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { index += 1 }
  }

  private mutating func expect(_ byte: UInt8) throws(Break) {
    guard current == byte else { throw broken("'\(UnicodeScalar(byte))'") }
    index += 1
  }

  private mutating func value(depth: Int) throws(Break) {
    guard depth < Self.deepest else { throw broken("less nesting") }
    switch current {
    case UInt8(ascii: "{"): try object(depth: depth)
    case UInt8(ascii: "["): try array(depth: depth)
    case UInt8(ascii: "\""): _ = try string()
    case UInt8(ascii: "t"): try word("true")
    case UInt8(ascii: "f"): try word("false")
    case UInt8(ascii: "n"): try word("null")
    case UInt8(ascii: "-"): try number()
    case let byte? where (0x30...0x39).contains(byte): try number()
    default: throw broken("a value")
    }
  }

  private mutating func object(depth: Int) throws(Break) {
    try expect(UInt8(ascii: "{"))
    skipBlanks()
    if current == UInt8(ascii: "}") { return index += 1 }
    while true {
      skipBlanks()
      let start = index
      guard current == UInt8(ascii: "\"") else { throw broken("a member's name in double quotes") }
      let name = try string()
      skipBlanks()
      try expect(UInt8(ascii: ":"))
      skipBlanks()
      try value(depth: depth + 1)
      if depth == 0 { members.append(Member(name: name, text: start..<index)) }
      skipBlanks()
      if current == UInt8(ascii: ",") {
        index += 1
        continue
      }
      guard current == UInt8(ascii: "}") else { throw broken("',' or '}'") }
      return index += 1
    }
  }

  private mutating func array(depth: Int) throws(Break) {
    try expect(UInt8(ascii: "["))
    skipBlanks()
    if current == UInt8(ascii: "]") { return index += 1 }
    while true {
      skipBlanks()
      try value(depth: depth + 1)
      skipBlanks()
      if current == UInt8(ascii: ",") {
        index += 1
        continue
      }
      guard current == UInt8(ascii: "]") else { throw broken("',' or ']'") }
      return index += 1
    }
  }

  private mutating func string() throws(Break) -> String {
    try expect(UInt8(ascii: "\""))
    let start = index
    while let byte = current {
      switch byte {
      case UInt8(ascii: "\""):
        defer { index += 1 }
        return String(decoding: bytes[start..<index], as: UTF8.self)
      case UInt8(ascii: "\\"): index += 2
      case 0..<0x20: throw broken("an escape such as \\n in place of a control character")
      default: index += 1
      }
    }
    index = bytes.count
    throw broken("a closing double quote")
  }

  private mutating func word(_ text: String) throws(Break) {
    guard bytes[index...].starts(with: text.utf8) else { throw broken("a value") }
    index += text.utf8.count
  }

  private mutating func number() throws(Break) {
    if current == UInt8(ascii: "-") { index += 1 }
    try digits()
    if current == UInt8(ascii: ".") {
      index += 1
      try digits()
    }
    guard let byte = current, byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E") else { return }
    index += 1
    if let sign = current, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { index += 1 }
    try digits()
  }

  private mutating func digits() throws(Break) {
    let start = index
    while let byte = current, (0x30...0x39).contains(byte) { index += 1 }
    guard index > start else { throw broken("a digit") }
  }
}
