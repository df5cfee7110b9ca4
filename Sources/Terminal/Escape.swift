/// Terminal escape sequences in text that programs printed.
package enum Escape {
  /// Characters the sequence at the beginning of `text` takes; at least 1. `text` begins with ESC.
  static func length<Text: StringProtocol>(at text: Text) -> Int {
    let after = text.dropFirst()
    guard let kind = after.first else { return 1 }
    switch kind {
    case "[":
      // CSI: parameters, then one final byte from @ to ~.
      let body = after.dropFirst()
      guard let end = body.firstIndex(where: { ("@"..."~").contains($0) }) else { return text.count }
      return text.distance(from: text.startIndex, to: body.index(after: end))
    case "]", "P", "^", "_":
      // OSC and its kin end with BEL or with ESC backslash.
      let body = after.dropFirst()
      guard let end = body.firstIndex(where: { $0 == "\u{7}" || $0 == "\u{1b}" }) else { return text.count }
      let next = body.index(after: end)
      let closes = body[end] == "\u{1b}" && next < body.endIndex && body[next] == "\\"
      return text.distance(from: text.startIndex, to: closes ? body.index(after: next) : next)
    default: return 2
    }
  }

  /// A printed line as it may go to a terminal: what the last carriage return left standing, tabs as spaces, without
  /// control characters, and without escape sequences other than colours (`keepingColor`).
  ///
  /// A build's output is a stranger's text; it must not move the cursor, retitle the window or write the clipboard.
  package static func tamed(_ line: String, keepingColor: Bool = false) -> String {
    guard line.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) || line.unicodeScalars.contains(where: \.isC1) else {
      return line
    }
    var result = ""
    var hasColor = false
    var rest = overwritten(line)[...]
    while let character = rest.first {
      if character == "\u{1b}" {
        let sequence = rest.prefix(length(at: rest))
        if keepingColor, sequence.hasPrefix("\u{1b}["), sequence.hasSuffix("m") {
          result += sequence
          hasColor = true
        }
        rest = rest.dropFirst(sequence.count)
        continue
      }
      if character == "\t" {
        result += String(repeating: " ", count: 8 - result.displayWidth % 8)
      } else {
        result.unicodeScalars.append(
          contentsOf: character.unicodeScalars.filter { $0.properties.generalCategory != .control }
        )
      }
      rest = rest.dropFirst()
    }
    return hasColor ? result + "\u{1b}[0m" : result
  }

  /// Programs redraw progress bars with carriage returns; only the last drawing counts.
  private static func overwritten(_ line: String) -> String {
    line.unicodeScalars.split(separator: "\r").last.map { String($0) } ?? ""
  }
}

extension Unicode.Scalar {
  /// Control characters beyond ASCII, some of which terminals take for escape sequences.
  fileprivate var isC1: Bool { (0x80...0x9f).contains(value) }
}
