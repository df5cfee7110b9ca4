/// A document written into the Dockerfile: `<<EOF`, its lines, `EOF`.
package struct Heredoc: Sendable, Hashable {
  /// The delimiter without quotes; also the file's name when COPY's destination is a directory.
  package let name: String
  /// The lines with their line ends; leading tabs are already gone when `stripsTabs`.
  package let body: String
  /// Whether variables in the body expand: the delimiter had no quotes.
  package let expands: Bool
  /// Written `<<-`.
  package let stripsTabs: Bool
}

/// `<<[-]NAME` as a word of an instruction, before its body is read.
struct HeredocMark: Hashable {
  let name: String
  let expands: Bool
  let stripsTabs: Bool

  /// Reads one whole word; nil when it is anything else, such as `<<<text` or `a<<b`.
  init?(_ word: String) {
    var rest = Substring(word).drop { $0.isASCII && $0.isWholeNumber }
    guard rest.hasPrefix("<<") else { return nil }
    rest = rest.dropFirst(2)
    stripsTabs = rest.hasPrefix("-")
    if stripsTabs { rest = rest.dropFirst() }
    guard !rest.isEmpty, !rest.contains("<") else { return nil }
    // A delimiter that reads differently with its quotes kept is quoted somewhere, as in a shell.
    guard let bare = Self.words(rest, keepsQuotes: false), bare.count == 1,
      let quoted = Self.words(rest, keepsQuotes: true)
    else { return nil }
    name = bare[0]
    expands = quoted == bare
  }

  /// All marks on an instruction's line, in order; none when its quotes do not balance.
  static func all(in line: String) -> [HeredocMark] {
    guard line.contains("<<"), let words = words(Substring(line), keepsQuotes: true) else { return [] }
    return words.compactMap(HeredocMark.init)
  }

  private static func words(_ text: Substring, keepsQuotes: Bool) -> [String]? {
    var lexer = ShellWordLexer(
      String(text),
      escape: "\\",
      keepsQuotes: keepsQuotes,
      keepsEscapes: keepsQuotes,
      keepsUnset: true,
      limit: DockerfileParser.maximumSize
    )
    return try? lexer.read(resolve: { _, _ in nil }).words
  }
}
