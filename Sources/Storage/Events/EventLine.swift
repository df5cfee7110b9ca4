import Diagnostics
import FoundationEssentials

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// One event as one line of JSON: what `BuildEvent`'s Codable form says, with the members in a fixed order.
///
/// Nearly every line of a log is an `output` event, so that one is written and read by hand, about ten times faster;
/// every other, and any line that looks different, goes through Codable.
enum EventLine {
  private static let sequence = Array(#"{"sequence":"#.utf8)
  private static let at = Array(#","at":"#.utf8)
  private static let kind = Array(#","kind":"#.utf8)
  private static let output = Array(#"{"kind":"output","step":"#.utf8)
  private static let stream = Array(#","stream":""#.utf8)
  private static let line = Array(#"","line":""#.utf8)
  private static let end = Array(#""}}"#.utf8)

  /// Appends the line and its line end.
  static func append(_ event: BuildEvent, to bytes: inout [UInt8]) throws(Failure) {
    bytes += sequence
    bytes += String(event.sequence).utf8
    bytes += at
    bytes += String(event.at.milliseconds).utf8
    bytes += kind
    if case .output(let step, let source, let text) = event.kind {
      bytes += output
      bytes += String(step).utf8
      bytes += stream
      bytes += source.rawValue.utf8
      bytes += line
      appendEscaped(text, to: &bytes)
      bytes += end
    } else {
      do {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        bytes += try encoder.encode(event.kind)
      } catch {
        throw Failure(wrapping: error, while: "writing a build event")
      }
      bytes.append(0x7d)
    }
    bytes.append(0x0a)
  }

  private static func appendEscaped(_ text: String, to bytes: inout [UInt8]) {
    var text = text
    text.withUTF8 { utf8 in
      var plain = 0
      for index in utf8.indices where utf8[index] < 0x20 || utf8[index] == 0x22 || utf8[index] == 0x5c {
        bytes += utf8[plain..<index]
        appendEscape(of: utf8[index], to: &bytes)
        plain = index + 1
      }
      bytes += utf8[plain...]
    }
  }

  private static func appendEscape(of byte: UInt8, to bytes: inout [UInt8]) {
    bytes.append(0x5c)
    switch byte {
    case 0x22, 0x5c: bytes.append(byte)
    case 0x09: bytes.append(UInt8(ascii: "t"))
    case 0x0d: bytes.append(UInt8(ascii: "r"))
    case 0x0a: bytes.append(UInt8(ascii: "n"))
    default:
      bytes += Array("u00".utf8)
      bytes += [UInt8(ascii: byte < 0x10 ? "0" : "1"), Array("0123456789abcdef".utf8)[Int(byte & 15)]]
    }
  }

  /// The event of a line without its line end; nil when it is none.
  static func event(_ bytes: UnsafeRawBufferPointer) -> BuildEvent? {
    outputEvent(bytes) ?? (try? JSONDecoder().decode(BuildEvent.self, from: Data(bytes)))
  }

  /// The sequence number of a whole line without its line end; nil when the line is torn or no event at all.
  /// A kind of event this version does not know counts as whole.
  static func sequence(_ bytes: UnsafeRawBufferPointer) -> Int? {
    var cursor = Cursor(rest: bytes)
    guard cursor.skip(sequence), let number = cursor.integer(), cursor.skip(at), bytes.last == 0x7d else { return nil }
    return Int(number)
  }

  private static func outputEvent(_ bytes: UnsafeRawBufferPointer) -> BuildEvent? {
    var cursor = Cursor(rest: bytes)
    guard cursor.skip(sequence), let number = cursor.integer(), cursor.skip(at), let moment = cursor.integer(),
      cursor.skip(kind), cursor.skip(output), let step = cursor.integer(), cursor.skip(stream)
    else { return nil }
    let source: BuildEvent.OutputStream
    if cursor.skip(Array("stdout".utf8)) {
      source = .stdout
    } else if cursor.skip(Array("stderr".utf8)) {
      source = .stderr
    } else {
      return nil
    }
    guard cursor.skip(line), cursor.dropEnd(end), let text = unescaped(cursor.rest) else { return nil }
    return BuildEvent(
      sequence: Int(number),
      at: Timestamp(milliseconds: moment),
      kind: .output(step: Int(step), stream: source, line: text)
    )
  }

  /// Nil for escapes that `appendEscaped` never writes.
  private static func unescaped(_ bytes: UnsafeRawBufferPointer) -> String? {
    guard let base = bytes.baseAddress, memchr(base, 0x5c, bytes.count) != nil else {
      return String(decoding: bytes, as: UTF8.self)
    }
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      guard byte == 0x5c else {
        text.append(byte)
        continue
      }
      guard index < bytes.count else { return nil }
      let escape = bytes[index]
      index += 1
      switch escape {
      case 0x22, 0x5c: text.append(escape)
      case UInt8(ascii: "t"): text.append(0x09)
      case UInt8(ascii: "r"): text.append(0x0d)
      case UInt8(ascii: "n"): text.append(0x0a)
      case UInt8(ascii: "u"):
        guard index + 4 <= bytes.count,
          let code = UInt8(String(decoding: bytes[index..<index + 4], as: UTF8.self), radix: 16), code < 0x20
        else { return nil }
        text.append(code)
        index += 4
      default: return nil
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}

/// A place in a line that moves on as parts are recognised.
private struct Cursor {
  var rest: UnsafeRawBufferPointer

  mutating func skip(_ bytes: [UInt8]) -> Bool {
    guard rest.count >= bytes.count, let base = rest.baseAddress, memcmp(base, bytes, bytes.count) == 0 else {
      return false
    }
    rest = UnsafeRawBufferPointer(rebasing: rest[bytes.count...])
    return true
  }

  mutating func dropEnd(_ bytes: [UInt8]) -> Bool {
    guard rest.count >= bytes.count, rest.suffix(bytes.count).elementsEqual(bytes) else { return false }
    rest = UnsafeRawBufferPointer(rebasing: rest[..<(rest.count - bytes.count)])
    return true
  }

  mutating func integer() -> Int64? {
    var value: Int64 = 0
    var digits = 0
    while digits < min(rest.count, 18), case let byte = rest[digits], (0x30...0x39).contains(byte) {
      value = value * 10 + Int64(byte - 0x30)
      digits += 1
    }
    guard digits > 0 else { return nil }
    rest = UnsafeRawBufferPointer(rebasing: rest[digits...])
    return value
  }
}
