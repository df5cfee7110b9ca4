/// One tar entry made by hand, so that it can be wrong.
struct RawTar {
  private var header = [UInt8](repeating: 0, count: 512)
  private var body: [UInt8]

  init(_ name: String, kind: Character = "0", size: Int = 0, link: String = "", body: [UInt8] = []) {
    self.body = body
    set(0, Array(name.utf8))
    set(100, Array("0000644\0".utf8))
    set(124, Array(Self.octal(size, 11).utf8))
    set(136, Array(Self.octal(0, 11).utf8))
    set(157, Array(link.utf8))
    set(257, Array("ustar\0".utf8) + Array("00".utf8))
    header[156] = kind.asciiValue ?? 0
  }

  mutating func set(_ offset: Int, _ bytes: [UInt8]) {
    header.replaceSubrange(offset..<offset + bytes.count, with: bytes)
  }

  /// Header with its checksum, and the body padded to a block.
  var entry: [UInt8] {
    var block = header
    block.replaceSubrange(148..<156, with: Array("        ".utf8))
    let sum = block.reduce(0) { $0 + Int($1) }
    block.replaceSubrange(148..<156, with: Array((Self.octal(sum, 6) + "\0 ").utf8))
    return block + body + [UInt8](repeating: 0, count: -body.count & 511)
  }

  /// The entry and an end mark.
  var archive: [UInt8] { entry + [UInt8](repeating: 0, count: 1024) }

  /// A PAX header with well-formed records.
  static func extended(_ records: [String], kind: Character = "x") -> [UInt8] {
    extended(raw: records.map(record).joined(), kind: kind)
  }

  static func extended(raw: String, kind: Character = "x") -> [UInt8] {
    RawTar("pax", kind: kind, size: raw.utf8.count, body: Array(raw.utf8)).entry
  }

  private static func record(_ text: String) -> String {
    var length = text.utf8.count + 2
    while "\(length) \(text)\n".utf8.count != length { length += 1 }
    return "\(length) \(text)\n"
  }

  private static func octal(_ value: Int, _ digits: Int) -> String {
    let text = String(value, radix: 8)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }
}
