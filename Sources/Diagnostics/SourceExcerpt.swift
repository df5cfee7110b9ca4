/// A few lines of the user's own file around the place that matters, ready to print.
package struct SourceExcerpt: Sendable, Hashable, Codable {
  /// The file's name as the user wrote it.
  package var file: String
  /// First and last line the excerpt points at, counted from 1.
  package var firstLine: Int
  package var lastLine: Int
  /// First column pointed at on `firstLine`, counted from 1 in characters; nil points at whole lines.
  package var column: Int?
  /// The lines shown; the first one is line `shownFrom`.
  package var lines: [String]
  package var shownFrom: Int

  /// Cuts the excerpt out of the whole text, with up to `margin` lines before and after the place.
  package init(file: String, text: String, lines range: ClosedRange<Int>, column: Int? = nil, margin: Int = 2) {
    // Swift reads CR LF as one character, which no split by LF finds.
    let all = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }.map(String.init)
    let first = Swift.max(1, Swift.min(range.lowerBound - margin, all.count))
    let last = Swift.max(first, Swift.min(all.count, range.upperBound + margin))
    self.file = file
    self.firstLine = range.lowerBound
    self.lastLine = range.upperBound
    self.column = column
    self.lines = Array(all[(first - 1)..<last])
    self.shownFrom = first
  }

  /// `Dockerfile:12` and the numbered lines, the ones pointed at marked with `>`.
  package var text: String {
    let width = String(shownFrom + lines.count - 1).count
    let place = column.map { "\(file):\(firstLine):\($0)" } ?? "\(file):\(firstLine)"
    let body = lines.enumerated().map { offset, line in
      let number = shownFrom + offset
      let mark = (firstLine...lastLine).contains(number) ? ">" : " "
      let digits = String(number)
      return "  \(mark) \(String(repeating: " ", count: width - digits.count))\(digits) | \(line)"
    }
    return ([place] + body).joined(separator: "\n")
  }
}
