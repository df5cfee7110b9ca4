import Diagnostics

/// Reads the parser directives: comments `# name=value` at the very top of the file.
struct DirectiveReader {
  private let source: SourceText
  private var directives = ParsedDockerfile.Directives()
  private var seen: Set<String> = []

  /// The directives and the first line after them.
  static func read(_ source: SourceText) throws(Failure) -> (ParsedDockerfile.Directives, firstLine: Int) {
    var reader = DirectiveReader(source: source)
    var number = 1
    // The first line that is no known directive ends them, be it a plain comment or an empty line.
    while number <= source.lineCount, try reader.take(number) { number += 1 }
    return (reader.directives, number)
  }

  private init(source: SourceText) { self.source = source }

  private mutating func take(_ number: Int) throws(Failure) -> Bool {
    let line = source.line(number).trimmed()
    guard line.first == Byte.hash, let equals = line.firstIndex(of: Byte.equals) else { return false }
    let name = line[(line.startIndex + 1)..<equals].trimmed().text.lowercased()
    let value = line[(equals + 1)...].trimmed().text
    guard ["escape", "syntax", "check"].contains(name), !value.isEmpty else { return false }
    guard seen.insert(name).inserted else {
      throw source.failure(
        "directive \"\(name)\" is given twice",
        at: number...number,
        hint: "keep one \"# \(name)=\" line"
      )
    }
    switch name {
    case "escape": try setEscape(value, at: number)
    case "syntax": try setSyntax(value, at: number)
    default: try setCheck(value, at: number)
    }
    return true
  }

  private mutating func setEscape(_ value: String, at number: Int) throws(Failure) {
    guard value == "\\" || value == "`" else {
      throw source.failure(
        "escape character \"\(value.clipped)\" is not allowed",
        at: number...number,
        hint: "use \\ or `"
      )
    }
    directives.escape = Character(value)
  }

  /// Here: the official Dockerfile frontend is what this parser implements, from whatever mirror it is named; a
  /// different frontend is another language and is refused instead of being misread.
  private mutating func setSyntax(_ value: String, at number: Int) throws(Failure) {
    let word = value.prefix { !$0.isWhitespace }
    var path = word.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).first.map(String.init) ?? ""
    if let colon = path.lastIndex(of: ":"), !path[colon...].contains("/") { path = String(path[..<colon]) }
    let name = path.split(separator: "/").suffix(2).joined(separator: "/")
    guard name == "docker/dockerfile" || name == "docker/dockerfile-upstream" else {
      throw Failure(
        .unimplemented,
        reason: "dockerfile-frontend",
        "frontend \"\(value.clipped)\" is not supported",
        source: source.excerpt(number...number),
        hint: "remove the \"# syntax=\" line or use \"# syntax=docker/dockerfile:1\""
      )
    }
    directives.syntax = value
  }

  private mutating func setCheck(_ value: String, at number: Int) throws(Failure) {
    guard let check = ParsedDockerfile.Directives.Check(value) else {
      throw source.failure(
        "check options \"\(value.clipped)\" are not understood",
        at: number...number,
        hint: "write \"# check=skip=NAME,NAME;error=true\""
      )
    }
    directives.check = check
  }
}
