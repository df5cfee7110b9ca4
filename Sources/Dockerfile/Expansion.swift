import Diagnostics

/// Expands variables and removes quotes in a word of an instruction, as BuildKit does.
///
/// Understood: `$v ${v} ${v:-w} ${v-w} ${v:+w} ${v+w} ${v:?w} ${v?w} ${v#p} ${v##p} ${v%p} ${v%%p} ${v/p/r} ${v//p/r}`,
/// `'…'` (literal), `"…"` (expands) and escapes. An unset variable is empty. In patterns `*` and `?` match.
package enum Expansion {
  /// How deep `${a:-${b:-…}}` may nest.
  package static let maximumDepth = 64
  /// The largest result; without it `ENV A=$A$A` doubles until memory ends.
  package static let maximumResult = ByteCount.mebibytes(1)

  /// One use of a variable in a word, for the check of undefined variables.
  package struct VariableUse: Sendable, Hashable {
    package let name: String
    package let isSet: Bool
    /// The text says what to do when it is unset (`:-`, `+`, `?` …).
    package let hasFallback: Bool
  }

  /// The word with variables replaced and quotes removed; blanks stay as they are.
  ///
  /// Throws `dockerfile-expansion`, and `variable-required` for `${v:?…}`, without an excerpt: the caller adds it by
  /// `located(at:)`. `observe` hears of every use, in order.
  package static func expand(
    _ word: String,
    escape: Character = "\\",
    lookup: (String) -> String?,
    observe: (VariableUse) -> Void = { _ in }
  ) throws(Failure) -> String {
    guard needsExpansion(word, escape: escape) else { return word }
    return try read(word, escape, lookup, observe).text
  }

  /// The words the text becomes: split at blanks outside quotes, also at blanks a variable brings (EXPOSE).
  package static func expandWords(
    _ text: String,
    escape: Character = "\\",
    lookup: (String) -> String?,
    observe: (VariableUse) -> Void = { _ in }
  ) throws(Failure) -> [String] {
    try read(text, escape, lookup, observe).words
  }

  /// A heredoc's body with variables replaced: quotes are text, and `\` takes the next character as it is.
  ///
  /// Docker: the escape is `\` here, whatever the file's directive says.
  package static func expandDocument(
    _ text: String,
    lookup: (String) -> String?,
    observe: (VariableUse) -> Void = { _ in }
  ) throws(Failure) -> String {
    guard needsExpansion(text, escape: "\\") else { return text }
    var lexer = ShellWordLexer(text, escape: "\\", readsQuotes: false)
    return try lexer.read { name, hasFallback in
      let value = lookup(name)
      observe(VariableUse(name: name, isSet: value != nil, hasFallback: hasFallback))
      return value
    }.text
  }

  private static func read(
    _ text: String,
    _ escape: Character,
    _ lookup: (String) -> String?,
    _ observe: (VariableUse) -> Void
  ) throws(Failure) -> (text: String, words: [String]) {
    var lexer = ShellWordLexer(text, escape: escape.unicodeScalars.first ?? "\\")
    return try lexer.read { name, hasFallback in
      let value = lookup(name)
      observe(VariableUse(name: name, isSet: value != nil, hasFallback: hasFallback))
      return value
    }
  }

  private static func needsExpansion(_ word: String, escape: Character) -> Bool {
    let escape = escape.asciiValue ?? Byte.backslash
    return word.utf8.contains { byte in
      byte == UInt8(ascii: "$") || byte == Byte.singleQuote || byte == Byte.doubleQuote || byte == escape
    } || word.utf8.count > maximumResult.bytes
  }
}
