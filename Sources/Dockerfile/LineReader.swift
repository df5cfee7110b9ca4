import Diagnostics

/// An instruction's text, its continued lines put together.
struct LogicalLine {
  /// What the instruction says, continuation marks and comments removed, blanks as written.
  var bytes: [UInt8]
  /// The same for people: one blank where lines were joined.
  var original: String
  var lines: ClosedRange<Int>
  /// Numbers of the empty lines inside it.
  var emptyLines: [Int]
}

/// Cuts a Dockerfile into logical lines and heredoc bodies.
struct LineReader {
  private let source: SourceText
  private let escape: UInt8
  private var next: Int

  /// Reads from line `first` on, with the escape character the directives set.
  init(_ source: SourceText, from first: Int, escape: UInt8) {
    self.source = source
    self.next = first
    self.escape = escape
  }

  /// The next instruction; nil at the end of the file.
  mutating func nextLine() -> LogicalLine? {
    while next <= source.lineCount {
      let number = next
      next += 1
      let first = source.line(number).drop(while: \.isBlank)
      if first.isEmpty || first.first == Byte.hash { continue }
      let line = continued(from: number, first: first)
      if line.bytes.contains(where: { !$0.isBlank }) { return line }
    }
    return nil
  }

  private mutating func continued(from number: Int, first: ArraySlice<UInt8>) -> LogicalLine {
    var (piece, isOpen) = withoutContinuation(first)
    var line = LogicalLine(bytes: Array(piece), original: "", lines: number...number, emptyLines: [])
    var shown = Array(piece)
    while isOpen, next <= source.lineCount {
      let number = next
      let text = source.line(number)
      next += 1
      line.lines = line.lines.lowerBound...number
      // Comments vanish from inside an instruction, empty lines too, but those are usually a mistake.
      guard let start = text.firstIndex(where: { !$0.isBlank }) else {
        line.emptyLines.append(number)
        continue
      }
      if text[start] == Byte.hash { continue }
      (piece, isOpen) = withoutContinuation(text)
      line.bytes += piece
      let end = shown.lastIndex { !$0.isBlank }.map { $0 + 1 } ?? 0
      let hadBlanks = end < shown.count || piece.first?.isBlank == true
      shown.removeSubrange(end...)
      if hadBlanks, !shown.isEmpty { shown.append(Byte.space) }
      shown += piece.drop(while: \.isBlank)
    }
    line.original = shown.trimmed().text
    return line
  }

  /// Removes an escape at the end of the line, blanks after it allowed; a doubled escape does not continue.
  private func withoutContinuation(_ line: ArraySlice<UInt8>) -> (ArraySlice<UInt8>, isOpen: Bool) {
    guard let last = line.lastIndex(where: { $0 != Byte.space && $0 != Byte.tab }), line[last] == escape,
      last == line.startIndex || line[last - 1] != escape
    else { return (line, false) }
    return (line[..<last], true)
  }

  /// Reads the body that belongs to `mark` and moves `lines` to its end.
  mutating func heredoc(_ mark: HeredocMark, lines: inout ClosedRange<Int>) throws(Failure) -> Heredoc {
    var body: [UInt8] = []
    let opening = lines
    let terminator = Array(mark.name.utf8)
    while next <= source.lineCount {
      let number = next
      next += 1
      lines = lines.lowerBound...number
      var text = source.lineWithEnd(number)
      var bare = source.line(number)
      if mark.stripsTabs {
        text = text.drop { $0 == Byte.tab }
        bare = bare.drop { $0 == Byte.tab }
      }
      if bare.elementsEqual(terminator) {
        return Heredoc(name: mark.name, body: body.text, expands: mark.expands, stripsTabs: mark.stripsTabs)
      }
      body += text
    }
    throw source.failure(
      "heredoc \"\(mark.name.clipped)\" has no end",
      at: opening,
      hint: "put \"\(mark.name.clipped)\" alone on the line after its text"
    )
  }
}
