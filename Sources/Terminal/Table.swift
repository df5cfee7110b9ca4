/// Rows under titles, aligned; turns into a list of records where the width leaves no room for columns.
package struct Table: Sendable {
  package struct Column: Sendable {
    package var title: String
    /// Numbers are aligned at their end.
    package var alignsTrailing: Bool
    /// Whether cells may be cut with an ellipsis; identifiers and references may not, people copy them.
    package var mayShrink: Bool
    package init(_ title: String, alignsTrailing: Bool = false, mayShrink: Bool = false) {
      self.title = title
      self.alignsTrailing = alignsTrailing
      self.mayShrink = mayShrink
    }
  }

  package struct Cell: Sendable, ExpressibleByStringLiteral {
    package var text: String
    package var tint: Tint
    package init(_ text: String, _ tint: Tint = .plain) {
      self.text = text
      self.tint = tint
    }
    package init(stringLiteral value: String) { self.init(value) }
  }

  package var columns: [Column]
  package var rows: [[Cell]]

  package init(columns: [Column], rows: [[Cell]] = []) {
    self.columns = columns
    self.rows = rows
  }

  private static let gap = 2
  private static let leastWidth = 8

  /// The table's lines, without line ends and without trailing spaces.
  package func lines(_ appearance: Appearance) -> [String] {
    let titles = columns.map { Cell($0.title, .faint) }
    let natural = columns.indices.map { index in
      ([titles] + rows).map { index < $0.count ? $0[index].text.displayWidth : 0 }.max() ?? 0
    }
    guard let widths = fitted(natural, to: appearance.width) else { return records(appearance) }
    return ([titles] + rows).map { line($0, widths: widths, appearance: appearance) }
  }

  /// Column widths that fit, nil when even the narrowest do not.
  private func fitted(_ natural: [Int], to width: Int?) -> [Int]? {
    guard let width else { return natural }
    var widths = natural
    var excess = natural.reduce(0, +) + Self.gap * max(0, columns.count - 1) - width
    while excess > 0 {
      let candidates = widths.indices.filter { columns[$0].mayShrink && widths[$0] > Self.leastWidth }
      guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { return nil }
      widths[widest] -= 1
      excess -= 1
    }
    return widths
  }

  private func line(_ cells: [Cell], widths: [Int], appearance: Appearance) -> String {
    var text = ""
    for (index, cell) in cells.enumerated() where index < widths.count {
      let cut = cell.text.truncated(to: widths[index], ellipsis: appearance.ellipsis)
      let padding = String(repeating: " ", count: max(0, widths[index] - cut.displayWidth))
      let painted = appearance.paint(cut, cell.tint)
      let isLast = index == min(widths.count, cells.count) - 1
      if columns[index].alignsTrailing {
        text += padding + painted
      } else {
        text += isLast ? painted : painted + padding
      }
      if !isLast { text += String(repeating: " ", count: Self.gap) }
    }
    return text
  }

  private func records(_ appearance: Appearance) -> [String] {
    let titleWidth = columns.map(\.title.displayWidth).max() ?? 0
    var lines: [String] = []
    for row in rows {
      if !lines.isEmpty { lines.append("") }
      for (column, cell) in zip(columns, row) where !cell.text.isEmpty {
        let title = appearance.paint(column.title, .faint)
        let padding = String(repeating: " ", count: titleWidth - column.title.displayWidth + Self.gap)
        lines.append(title + padding + appearance.paint(cell.text, cell.tint))
      }
    }
    return lines
  }
}
