import Diagnostics

/// What `.gitmodules` says: where the repositories of submodules are (gitmodules, git-config "Syntax").
struct SubmoduleList: Sendable, Hashable {
  struct Entry: Sendable, Hashable {
    var name: String
    var path = ""
    var url = ""
  }

  static let file = Array(".gitmodules".utf8)
  static let limit = ByteCount.mebibytes(1)
  private(set) var entries: [Entry] = []

  /// The entry whose submodule is at this path.
  func entry(at path: String) -> Entry? { entries.last { $0.path == path } }

  /// Reads the file strictly: what git would not write is refused with `git-submodules-invalid` and the line's number.
  init(parsing text: String) throws(Failure) {
    var current: Int?
    // Read by scalars: "\r\n" is one Character, and so is a quote with an accent behind it.
    for (index, raw) in text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      // Lines may end as on Windows; a carriage return anywhere else stays and is refused (CVE-2025-48384).
      let line = (raw.last == "\r" ? raw.dropLast() : raw).drop { $0 == " " || $0 == "\t" }
      guard let first = line.first, first != "#", first != ";" else { continue }
      do throws(SyntaxProblem) {
        if first == "[" {
          current = try section(line)
        } else if let current {
          try set(line, in: current)
        }
      } catch {
        throw Failure(
          .invalidArgument, reason: "git-submodules-invalid", "line \(index + 1) of .gitmodules \(error.what)",
          hint: "fetch without submodules, or ask the repository's owner to correct the file")
      }
    }
  }

  private struct SyntaxProblem: Error { var what: String }

  /// The index of the entry the header begins; nil for sections that are not of submodules.
  private mutating func section(_ line: Substring.UnicodeScalarView) throws(SyntaxProblem) -> Int? {
    guard String(line).lowercased().hasPrefix("[submodule") else { return nil }
    var rest = line.dropFirst("[submodule".count).drop { $0 == " " || $0 == "\t" }
    guard rest.popFirst() == "\"" else { throw SyntaxProblem(what: "has no name in quotes") }
    var name = ""
    while let character = rest.popFirst() {
      if character == "\"" {
        guard rest.first == "]" else { throw SyntaxProblem(what: "does not end with ']'") }
        try Self.checkName(name)
        if let known = entries.firstIndex(where: { $0.name == name }) { return known }
        entries.append(Entry(name: name))
        return entries.count - 1
      }
      guard character == "\\" else {
        name.unicodeScalars.append(character)
        continue
      }
      if let escaped = rest.popFirst() { name.unicodeScalars.append(escaped) }
    }
    throw SyntaxProblem(what: "has a name without an end")
  }

  private mutating func set(_ line: Substring.UnicodeScalarView, in index: Int) throws(SyntaxProblem) {
    guard let equals = line.firstIndex(of: "=") else { return }
    let key = String(String.UnicodeScalarView(line[..<equals].filter { $0 != " " && $0 != "\t" })).lowercased()
    guard key == "path" || key == "url" else { return }
    let value = try Self.value(line[line.index(after: equals)...])
    guard !value.isEmpty, value.utf8.first != UInt8(ascii: "-"), !Self.hasControls(value) else {
      throw SyntaxProblem(what: "has a \(key) that is empty, begins with '-' or holds control characters")
    }
    if key == "path" {
      for part in value.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
        let problem = Array(part).withUnsafeBytes { EntryName.problem($0) }
        if let problem { throw SyntaxProblem(what: "has a path of which a part \(problem)") }
      }
      entries[index].path = value
    } else {
      entries[index].url = value
    }
  }

  /// CVE-2018-11235: git makes a folder of the name.
  private static func checkName(_ name: String) throws(SyntaxProblem) {
    let parts = name.unicodeScalars.split { $0 == "/" || $0 == "\\" }
    guard !parts.isEmpty, !parts.contains(where: { $0.elementsEqual("..".unicodeScalars) }),
      name.utf8.first != UInt8(ascii: "-"), !hasControls(name)
    else {
      throw SyntaxProblem(what: "has the name '\(quoted(Array(name.utf8)))', which is not allowed")
    }
  }

  private static func hasControls(_ text: String) -> Bool {
    text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
  }

  /// A value with its quotes, escapes and comment taken off.
  private static func value(_ text: Substring.UnicodeScalarView) throws(SyntaxProblem) -> String {
    var value = String.UnicodeScalarView()
    // Blanks count only when something follows them.
    var blanks = String.UnicodeScalarView()
    var isQuoted = false
    var rest = text
    while let character = rest.popFirst() {
      switch character {
      case "\"": isQuoted.toggle()
      case "#" where !isQuoted, ";" where !isQuoted: rest.removeAll()
      case " " where !isQuoted, "\t" where !isQuoted:
        if !value.isEmpty { blanks.append(character) }
      case "\\":
        guard let escaped = rest.popFirst(), escaped == "\"" || escaped == "\\" else {
          throw SyntaxProblem(what: "has an escape other than \\\" and \\\\")
        }
        value += blanks
        value.append(escaped)
        blanks.removeAll()
      default:
        value += blanks
        value.append(character)
        blanks.removeAll()
      }
    }
    if isQuoted { throw SyntaxProblem(what: "has a quote without an end") }
    return String(value)
  }
}
