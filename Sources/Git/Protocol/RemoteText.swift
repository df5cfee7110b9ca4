/// What a remote wrote for people, made safe to print.
enum RemoteText {
  /// Longest text that is passed on, in bytes.
  static let longest = 1024

  /// The text without escape sequences, control characters and characters that reorder others; cut at `longest`.
  static func clean(_ bytes: UnsafeRawBufferPointer) -> String {
    clean(String(decoding: bytes.prefix(longest), as: UTF8.self))
  }

  /// The same for text; a terminal must not obey a server (CVE-2024-52005).
  static func clean(_ text: String) -> String {
    var cleaned = String.UnicodeScalarView()
    var scalars = text.unicodeScalars.prefix(longest)[...]
    while let scalar = scalars.popFirst() {
      switch scalar.value {
      case 0x1B: skipEscape(&scalars)
      case 0x9B: skipControlSequence(&scalars)
      case 0x09, 0x0A, 0x0D: cleaned.append(" ")
      case 0x00...0x1F, 0x7F...0x9F: continue
      case 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF: continue
      default: cleaned.append(scalar)
      }
    }
    let text = String(cleaned)
    guard let first = text.firstIndex(where: { $0 != " " }), let last = text.lastIndex(where: { $0 != " " }) else {
      return ""
    }
    return String(text[first...last])
  }

  private static func skipEscape(_ scalars: inout Substring.UnicodeScalarView) {
    guard let kind = scalars.first else { return }
    switch kind {
    case "[":
      scalars.removeFirst()
      skipControlSequence(&scalars)
    case "]", "P", "_", "^", "X":
      // A string for the terminal ends with BEL or ESC backslash.
      while let scalar = scalars.popFirst(), scalar.value != 0x07 {
        if scalar.value == 0x1B {
          if scalars.first == "\\" { scalars.removeFirst() }
          return
        }
      }
    default: scalars.removeFirst()
    }
  }

  private static func skipControlSequence(_ scalars: inout Substring.UnicodeScalarView) {
    while let scalar = scalars.popFirst() { if (0x40...0x7E).contains(scalar.value) { return } }
  }
}
