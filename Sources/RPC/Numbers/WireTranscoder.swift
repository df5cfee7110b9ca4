import Diagnostics

/// Rewrites an encoded message with other numbers, in one pass and without knowing its types.
struct WireTranscoder: Sendable {
  /// Nesting deeper than any decoder of protocol buffers follows.
  private static let deepest = 100

  private let mappings: [MessageMapping]

  init(_ mappings: [MessageMapping]) { self.mappings = mappings }

  /// Whether bytes of that message can stay as they are.
  func isTheSame(_ place: Int) -> Bool { mappings[place].isTheSame }

  /// The message at `place` with the other numbers. Throws INVALID_ARGUMENT for bytes that are no message, and for an
  /// enum value that the other side does not have.
  func transcoded(_ bytes: UnsafeRawBufferPointer, _ place: Int) throws(Failure) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(bytes.count + 16)
    try transcode(bytes, place, into: &output, depth: 0)
    return output
  }

  private func transcode(
    _ bytes: UnsafeRawBufferPointer, _ place: Int, into output: inout [UInt8], depth: Int
  ) throws(Failure) {
    guard depth < Self.deepest else { throw WireCursor.malformed }
    let fields = mappings[place].fields
    var cursor = WireCursor(bytes)
    while !cursor.isAtEnd {
      let (number, kind) = try cursor.tag()
      guard let field = fields[number] else {
        try cursor.skip(kind, of: number)
        continue
      }
      switch (field.content, kind) {
      case (_, .groupStart), (_, .groupEnd), (.message, .varint), (.message, .fixed32), (.message, .fixed64),
        (.enumeration, .fixed32), (.enumeration, .fixed64):
        // Not the field's encoding: decoders take it for a field they do not know.
        try cursor.skip(kind, of: number)
      case (.same, .varint):
        output.append(tag: field.number, kind)
        output.append(varint: try cursor.varint())
      case (.same, .fixed32), (.same, .fixed64):
        output.append(tag: field.number, kind)
        output.append(contentsOf: try cursor.bytes(kind == .fixed32 ? 4 : 8))
      case (.same, .delimited):
        let content = try cursor.delimited()
        output.append(tag: field.number, kind)
        output.append(varint: UInt64(content.count))
        output.append(contentsOf: content)
      case (.message(let below), .delimited):
        var nested: [UInt8] = []
        try transcode(try cursor.delimited(), below, into: &nested, depth: depth + 1)
        output.append(tag: field.number, kind)
        output.append(varint: UInt64(nested.count))
        output.append(contentsOf: nested)
      case (.enumeration(let values), .varint):
        let value = try Self.value(try cursor.varint(), values, field)
        output.append(tag: field.number, kind)
        output.append(varint: value)
      case (.enumeration(let values), .delimited):
        try packed(try cursor.delimited(), values, field, into: &output)
      }
    }
  }

  /// Repeated enums in one piece.
  private func packed(
    _ content: UnsafeRawBufferPointer, _ values: [Int32: Int32], _ field: FieldMapping, into output: inout [UInt8]
  ) throws(Failure) {
    var cursor = WireCursor(content)
    var nested: [UInt8] = []
    while !cursor.isAtEnd { nested.append(varint: try Self.value(try cursor.varint(), values, field)) }
    output.append(tag: field.number, .delimited)
    output.append(varint: UInt64(nested.count))
    output.append(contentsOf: nested)
  }

  private static func value(
    _ number: UInt64, _ values: [Int32: Int32], _ field: FieldMapping
  ) throws(Failure) -> UInt64 {
    let number = Int32(truncatingIfNeeded: number)
    guard let value = values[number] else {
      throw Failure(
        .invalidArgument, reason: "enum-value-unknown", "field '\(field.name)' has the value \(number)",
        hint: "use a value that both this server and its --protoset have")
    }
    // Negative numbers are ten bytes, as those of 64 bits are.
    return UInt64(bitPattern: Int64(value))
  }
}

extension [UInt8] {
  fileprivate mutating func append(tag number: UInt32, _ kind: WireCursor.Kind) {
    append(varint: UInt64(number) << 3 | UInt64(kind.rawValue))
  }

  fileprivate mutating func append(varint value: UInt64) {
    var rest = value
    while rest > 0x7f {
      append(UInt8(rest & 0x7f) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }
}
