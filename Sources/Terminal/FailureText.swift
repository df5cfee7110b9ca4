import Diagnostics

/// A failure as a letter: what failed, where, the evidence, what to do; eyes land on the end.
package struct FailureText: Sendable {
  /// The last lines a failed step printed, and how many it printed in all.
  package struct Evidence: Sendable, Hashable {
    package var lines: [String]
    package var total: Int
    package init(lines: [String], total: Int) {
      self.lines = lines
      self.total = total
    }
  }

  package var failure: Failure
  /// Stands before the message, such as `step 5/9 failed after 3.1 s`; left out when the message begins alike.
  package var headline: String?
  package var evidence: Evidence?
  /// Commands and addresses to look further, as (label, text).
  package var pointers: [(label: String, text: String)]

  package init(
    _ failure: Failure,
    headline: String? = nil,
    evidence: Evidence? = nil,
    pointers: [(label: String, text: String)] = []
  ) {
    self.failure = failure
    self.headline = headline
    self.evidence = evidence
    self.pointers = pointers
  }

  private static let labelWidth = 7

  /// The letter's lines, without line ends.
  package func lines(_ appearance: Appearance) -> [String] {
    let textWidth = appearance.width.map { max(20, $0 - 2) }
    let isWhole = headline.map { failure.message.hasPrefix($0.prefix { $0 != "/" && $0 != ":" }) } ?? true
    let title = (isWhole ? "" : headline.map { $0 + ": " } ?? "") + failure.message
    var lines: [String] = []
    for (index, part) in Self.paragraphs(title).flatMap({ $0.wrapped(to: textWidth) }).enumerated() {
      lines.append(index == 0 ? "\(appearance.paint(.failed)) \(appearance.paint(part, .strong))" : "  " + part)
    }
    if let source = failure.source { lines += [""] + excerpt(source, appearance) }
    if let cause = failure.cause, !cause.isEmpty {
      lines.append("")
      lines += Self.paragraphs(cause).flatMap { $0.wrapped(to: textWidth) }.map { "  " + $0 }
    }
    if let evidence, !evidence.lines.isEmpty, !isTold(evidence) { lines += [""] + printed(evidence, appearance) }
    let advice = (failure.hint.map { [("hint", $0)] } ?? []) + pointers.map { ($0.label, $0.text) }
    if !advice.isEmpty { lines.append("") }
    for (label, text) in advice { lines += labelled(label, text, appearance) }
    return lines
  }

  /// The cause already quotes what the step printed last.
  private func isTold(_ evidence: Evidence) -> Bool {
    guard let cause = failure.cause, let last = evidence.lines.last(where: { !$0.isEmpty }) else { return false }
    return Escape.tamed(cause).contains(last)
  }

  private func excerpt(_ source: SourceExcerpt, _ appearance: Appearance) -> [String] {
    let lines = Self.paragraphs(source.text)
    return lines.enumerated().map { index, line in
      var text = (index == 0 ? "  " : "") + line
      while text.last == " " { text.removeLast() }
      let cut = appearance.width.map { text.truncated(to: $0, ellipsis: appearance.ellipsis) } ?? text
      let isPointedAt = (source.firstLine...source.lastLine).contains(source.shownFrom + index - 1)
      return appearance.paint(cut, index > 0 && !isPointedAt ? .faint : .plain)
    }
  }

  private func printed(_ evidence: Evidence, _ appearance: Appearance) -> [String] {
    let title =
      evidence.total > evidence.lines.count
      ? "last lines (of \(evidence.total))" : evidence.total == 1 ? "its only line" : "its \(evidence.total) lines"
    return ["  " + appearance.paint(title, .faint)]
      + evidence.lines.map { line in
        let text = "    " + Escape.tamed(line)
        return appearance.width.map { text.truncated(to: $0, ellipsis: appearance.ellipsis) } ?? text
      }
  }

  private func labelled(_ label: String, _ text: String, _ appearance: Appearance) -> [String] {
    let width = appearance.width.map { max(20, $0 - Self.labelWidth - 2) }
    let indent = String(repeating: " ", count: Self.labelWidth + 2)
    return Self.paragraphs(text).flatMap { $0.wrapped(to: width) }.enumerated().map { index, part in
      index == 0 ? "  " + appearance.paint(label.padded(to: Self.labelWidth), .active) + part : indent + part
    }
  }

  private static func paragraphs(_ text: String) -> [String] {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { Escape.tamed(String($0)) }
  }
}
