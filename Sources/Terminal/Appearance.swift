/// How text may look on one output: colour, marks beyond ASCII, and the width to keep to.
package struct Appearance: Sendable, Hashable {
  /// What `--color` says.
  package enum ColorChoice: String, Sendable, CaseIterable { case auto, always, never }

  package var usesColor: Bool
  package var usesUnicode: Bool
  /// Columns; nil when nobody looks at it in columns, such as a pipe: nothing is cut or wrapped then.
  package var width: Int?

  package init(usesColor: Bool = false, usesUnicode: Bool = true, width: Int? = nil) {
    self.usesColor = usesColor
    self.usesUnicode = usesUnicode
    self.width = width
  }

  /// What fits an output, from the environment: `NO_COLOR`, `TERM=dumb` and the locale are respected.
  ///
  /// An explicit `always` outranks `NO_COLOR`, as the last word of the person at the keyboard.
  package static func suiting(
    isTTY: Bool,
    width: Int?,
    environment: [String: String],
    color: ColorChoice = .auto,
    ascii: Bool = false
  ) -> Appearance {
    let isDumb = environment["TERM"] == "dumb"
    let refusesColor = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
    let usesColor =
      switch color {
      case .always: true
      case .never: false
      case .auto: isTTY && !isDumb && !refusesColor
      }
    return Appearance(
      usesColor: usesColor,
      usesUnicode: !ascii && !isDumb && speaksUnicode(environment),
      width: isTTY ? width : nil
    )
  }

  /// No locale at all says nothing against Unicode (containers set none); `C` and `POSIX` do.
  private static func speaksUnicode(_ environment: [String: String]) -> Bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
    guard let locale else { return true }
    let name = locale.lowercased()
    return name.contains("utf-8") || name.contains("utf8")
  }

  /// `…`, or three dots in ASCII.
  var ellipsis: String { usesUnicode ? "…" : "..." }

  /// `text` in a colour, or as it is.
  package func paint(_ text: String, _ tint: Tint) -> String {
    guard usesColor, let code = tint.code, !text.isEmpty else { return text }
    return "\u{1b}[\(code)m\(text)\u{1b}[0m"
  }

  /// The mark in its own shape and colour.
  package func paint(_ mark: Mark) -> String { paint(usesUnicode ? mark.symbol : mark.letter, mark.tint) }
}

/// A role text can have; colours are the terminal's own sixteen, so that its theme decides.
package enum Tint: Sendable, Hashable {
  case plain, strong, faint, good, cached, bad, active, caution

  var code: String? {
    switch self {
    case .plain: nil
    case .strong: "1"
    case .faint: "2"
    case .good: "32"
    case .cached: "36"
    case .bad: "31"
    case .active: "34"
    case .caution: "33"
    }
  }
}

/// A state as a mark; marks differ in shape, not only in colour.
package enum Mark: Sendable, Hashable, CaseIterable {
  case done, cached, failed, running, skipped, warning

  var symbol: String {
    switch self {
    case .done: "✓"
    case .cached: "≡"
    case .failed: "✗"
    case .running: "●"
    case .skipped: "–"
    case .warning: "!"
    }
  }

  /// The ASCII fallback.
  var letter: String {
    switch self {
    case .done: "+"
    case .cached: "="
    case .failed: "x"
    case .running: "*"
    case .skipped: "-"
    case .warning: "!"
    }
  }

  var tint: Tint {
    switch self {
    case .done: .good
    case .cached: .cached
    case .failed: .bad
    case .running: .active
    case .skipped: .faint
    case .warning: .caution
    }
  }
}
