/// Text measured in terminal columns instead of characters.
extension StringProtocol {
  /// Columns the text takes; escape sequences and combining marks take none, East Asian wide characters two.
  package var displayWidth: Int {
    var total = 0
    var rest = self[...]
    while let character = rest.first {
      if character == "\u{1b}" {
        rest = rest.dropFirst(Escape.length(at: rest))
      } else {
        total += character.columns
        rest = rest.dropFirst()
      }
    }
    return total
  }

  /// The text followed (or led) by spaces up to `width` columns.
  func padded(to width: Int, trailing: Bool = false) -> String {
    let space = String(repeating: " ", count: Swift.max(0, width - displayWidth))
    return trailing ? space + String(self) : String(self) + space
  }

  /// As much of the beginning as fits, ending in `ellipsis` when something was cut. The text holds no escapes.
  func truncated(to width: Int, ellipsis: String) -> String {
    guard displayWidth > width else { return String(self) }
    return String(leading(Swift.max(0, width - ellipsis.displayWidth))) + String(ellipsis.leading(width))
  }

  private func leading(_ width: Int) -> SubSequence {
    var used = 0
    return prefix { character in
      used += character.columns
      return used <= width
    }
  }

  /// Words laid out in lines of at most `width` columns; longer words are left whole, so that they can be copied.
  func wrapped(to width: Int?) -> [String] {
    guard let width, displayWidth > width else { return [String(self)] }
    var lines: [String] = []
    for word in split(separator: " ", omittingEmptySubsequences: false) {
      if let last = lines.last, last.displayWidth + 1 + word.displayWidth <= width {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(String(word))
      }
    }
    return lines
  }
}

extension Character {
  fileprivate var columns: Int {
    guard let first = unicodeScalars.first else { return 0 }
    if first.properties.generalCategory == .control || first.properties.generalCategory == .format { return 0 }
    if first.properties.generalCategory == .nonspacingMark { return 0 }
    if unicodeScalars.contains("\u{fe0f}") || first.properties.isEmojiPresentation { return 2 }
    return first.isWide ? 2 : 1
  }
}

extension Unicode.Scalar {
  /// The blocks Unicode's EastAsianWidth calls wide or full-width, coarsely.
  fileprivate var isWide: Bool {
    switch value {
    case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0x33ff, 0x3400...0x4dbf, 0x4e00...0x9fff, 0xa000...0xa4cf,
      0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f, 0xff00...0xff60, 0xffe0...0xffe6, 0x20000...0x3fffd:
      true
    default: false
    }
  }
}
