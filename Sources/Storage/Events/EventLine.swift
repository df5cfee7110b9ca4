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
package enum EventLine {
  private static let sequence = Array(#"{"sequence":"#.utf8)
  private static let at = Array(#","at":"#.utf8)
  private static let kind = Array(#","kind":"#.utf8)
  private static let output = Array(#"{"kind":"output","step":"#.utf8)
  private static let stream = Array(#","stream":""#.utf8)
  private static let line = Array(#"","line":""#.utf8)
  private static let end = Array(#""}}"#.utf8)
  private static let stdout = Array("stdout".utf8)
  private static let stderr = Array("stderr".utf8)

  /// Appends the line and its line end. It means to a `Codable` reader what the event's own encoding means.
  package static func append(_ event: BuildEvent, to bytes: inout [UInt8]) throws(Failure) {
    bytes += sequence
    JSONString.append(Int64(event.sequence), to: &bytes)
    bytes += at
    JSONString.append(event.at.milliseconds, to: &bytes)
    bytes += kind
    if case .output(let step, let source, let text) = event.kind {
      bytes += output
      JSONString.append(Int64(step), to: &bytes)
      bytes += stream
      bytes += source == .stdout ? stdout : stderr
      bytes += line
      JSONString.append(text, to: &bytes)
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

  /// The event of a line without its line end; nil when it is none.
  package static func event(_ bytes: UnsafeRawBufferPointer) -> BuildEvent? {
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
    if cursor.skip(stdout) {
      source = .stdout
    } else if cursor.skip(stderr) {
      source = .stderr
    } else {
      return nil
    }
    guard cursor.skip(line), cursor.dropEnd(end), let text = JSONString.text(cursor.rest) else { return nil }
    return BuildEvent(
      sequence: Int(number),
      at: Timestamp(milliseconds: moment),
      kind: .output(step: Int(step), stream: source, line: text)
    )
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
