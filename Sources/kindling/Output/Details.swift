import Terminal

/// One thing on standard output, a line a fact.
enum Details {
  /// `rows` are titles and texts; those without a text are left out.
  static func print(_ rows: [[Table.Cell]]) {
    var rows = rows.filter { $0.count == 2 && !$0[1].text.isEmpty }
    for index in rows.indices { rows[index][0].tint = .faint }
    let table = Table(columns: [.init(""), .init("")], rows: rows)
    Console.standardOutput.write(lines: Array(table.lines(Console.standardOutput.appearance).dropFirst()))
  }
}
