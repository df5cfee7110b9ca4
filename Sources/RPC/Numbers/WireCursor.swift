import Diagnostics

/// Reads the fields of an encoded message one after the other (protobuf.dev, "Encoding").
struct WireCursor {
  enum Kind: UInt8 {
    case varint = 0
    case fixed64 = 1
    case delimited = 2
    case groupStart = 3
    case groupEnd = 4
    case fixed32 = 5
  }

  static let malformed = Failure(
    .invalidArgument, reason: "message-malformed", "the message's bytes are not a protocol buffer",
    hint: "compile the client against the descriptors that this server shows by reflection")

  private let buffer: UnsafeRawBufferPointer
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { buffer = bytes }

  var isAtEnd: Bool { position >= buffer.count }

  mutating func tag() throws(Failure) -> (number: UInt32, kind: Kind) {
    let tag = try varint()
    guard tag <= UInt64(UInt32.max), tag >> 3 > 0, let kind = Kind(rawValue: UInt8(tag & 7)) else {
      throw Self.malformed
    }
    return (UInt32(tag >> 3), kind)
  }

  mutating func varint() throws(Failure) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 70, by: 7) {
      guard position < buffer.count else { throw Self.malformed }
      let byte = buffer[position]
      position += 1
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
    }
    throw Self.malformed
  }

  mutating func bytes(_ count: Int) throws(Failure) -> UnsafeRawBufferPointer {
    guard count <= buffer.count - position else { throw Self.malformed }
    defer { position += count }
    return UnsafeRawBufferPointer(rebasing: buffer[position..<position + count])
  }

  mutating func delimited() throws(Failure) -> UnsafeRawBufferPointer {
    guard let count = Int(exactly: try varint()) else { throw Self.malformed }
    return try bytes(count)
  }

  /// Passes over a field whose tag was read.
  mutating func skip(_ kind: Kind, of number: UInt32) throws(Failure) {
    switch kind {
    case .varint: _ = try varint()
    case .fixed64: _ = try bytes(8)
    case .fixed32: _ = try bytes(4)
    case .delimited: _ = try delimited()
    case .groupStart: try skipGroup(number)
    case .groupEnd: throw Self.malformed
    }
  }

  /// To the end of a group; groups within it are kept in a list, since their depth is the sender's choice.
  private mutating func skipGroup(_ number: UInt32) throws(Failure) {
    var open = [number]
    while let last = open.last {
      let (number, kind) = try tag()
      switch kind {
      case .groupStart: open.append(number)
      case .groupEnd:
        guard number == last else { throw Self.malformed }
        open.removeLast()
      default: try skip(kind, of: number)
      }
    }
  }
}
