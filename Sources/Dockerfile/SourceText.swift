import Diagnostics

/// A user's text cut into lines, for the reader and for excerpts in errors.
///
/// Lines are numbered from 1. A last line without a line end counts; nothing after the last line end does not.
struct SourceText: Sendable {
  let file: String
  private let bytes: [UInt8]
  /// Where each line lies, with its line end.
  private let spans: [Range<Int>]

  init(_ text: String, file: String) {
    self.file = file
    var bytes = Array(text.utf8)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes.removeFirst(3) }
    var spans: [Range<Int>] = []
    var start = 0
    for (offset, byte) in bytes.enumerated() where byte == Byte.lineFeed {
      spans.append(start..<(offset + 1))
      start = offset + 1
    }
    if start < bytes.count { spans.append(start..<bytes.count) }
    self.bytes = bytes
    self.spans = spans
  }

  var lineCount: Int { spans.count }

  /// A line as it is in the file, with its line end.
  func lineWithEnd(_ number: Int) -> ArraySlice<UInt8> { bytes[spans[number - 1]] }

  /// A line without its line end (LF or CRLF).
  func line(_ number: Int) -> ArraySlice<UInt8> {
    var line = lineWithEnd(number)
    if line.last == Byte.lineFeed { line.removeLast() }
    while line.last == Byte.carriageReturn { line.removeLast() }
    return line
  }

  /// The first line holding a NUL byte.
  var firstLineWithNUL: Int? {
    guard let offset = bytes.firstIndex(of: 0) else { return nil }
    return spans.firstIndex { $0.contains(offset) }.map { $0 + 1 }
  }

  /// The lines of `range` with their neighbours, bounded in length both ways: a heredoc can be thousands of lines.
  func excerpt(_ range: ClosedRange<Int>) -> SourceExcerpt {
    let margin = 2
    let longest = 12
    let from = max(1, range.lowerBound - margin)
    let to = min(lineCount, min(range.upperBound, range.lowerBound + longest) + margin)
    let shown = from <= to ? (from...to).map { Self.clip(line($0).text.withoutSecrets.utf8) } : []
    let relative = (range.lowerBound - from + 1)...(range.upperBound - from + 1)
    var excerpt = SourceExcerpt(file: file, text: shown.joined(separator: "\n"), lines: relative, margin: margin)
    excerpt.firstLine = range.lowerBound
    excerpt.lastLine = range.upperBound
    excerpt.shownFrom = from
    return excerpt
  }

  /// A syntax error at these lines.
  func failure(_ message: String, at lines: ClosedRange<Int>, hint: String? = nil) -> Failure {
    Failure(.invalidArgument, reason: "dockerfile-syntax", message, source: excerpt(lines), hint: hint)
  }

  private static func clip(_ text: String.UTF8View) -> String {
    let longest = 240
    let line = Array(text)
    guard line.count > longest else { return line.text }
    var end = longest
    while end > 0, line[end] & 0xC0 == 0x80 { end -= 1 }
    return line[..<end].text + "…"
  }
}
