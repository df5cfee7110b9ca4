import Diagnostics

/// The small shell language inside a word: quotes, escapes, `$name` and `${name…}`, as BuildKit reads it.
struct ShellWordLexer {
  /// Looks a variable up; `hasFallback` says the text tells what to do when it is unset.
  typealias Resolve = (_ name: String, _ hasFallback: Bool) -> String?

  private struct Output {
    var text = ""
    var words: [String] = []
    private var word = ""

    mutating func appendQuoted(_ string: String) {
      text += string
      word += string
    }

    mutating func append(_ scalar: Unicode.Scalar) {
      text.unicodeScalars.append(scalar)
      split(scalar)
    }

    /// Text that came out of a variable: blanks in it separate words.
    mutating func appendSplitting(_ string: String) {
      text += string
      for scalar in string.unicodeScalars { split(scalar) }
    }

    private mutating func split(_ scalar: Unicode.Scalar) {
      if scalar.properties.isWhitespace {
        endWord()
      } else {
        word.unicodeScalars.append(scalar)
      }
    }

    mutating func endWord() {
      if !word.isEmpty { words.append(word) }
      word = ""
    }
  }

  private let scalars: [Unicode.Scalar]
  private let escape: Unicode.Scalar
  private let keepsQuotes: Bool
  private let keepsUnset: Bool
  private let readsQuotes: Bool
  private let limit: ByteCount
  private var keepsEscapes: Bool
  private var index = 0
  private var depth = 0

  /// `keepsQuotes` and `keepsEscapes` leave these in the result, `keepsUnset` leaves unset variables as written. Without
  /// `readsQuotes` a quote is a character like any other. A result over `limit` is refused.
  init(
    _ word: String,
    escape: Unicode.Scalar,
    keepsQuotes: Bool = false,
    keepsEscapes: Bool = false,
    keepsUnset: Bool = false,
    readsQuotes: Bool = true,
    limit: ByteCount = Expansion.maximumResult
  ) {
    scalars = Array(word.unicodeScalars)
    self.escape = escape
    self.keepsQuotes = keepsQuotes
    self.keepsEscapes = keepsEscapes
    self.keepsUnset = keepsUnset
    self.readsQuotes = readsQuotes
    self.limit = limit
  }

  /// Expands all of it: as one text, and split into words at blanks that are not quoted.
  mutating func read(resolve: Resolve) throws(Failure) -> (text: String, words: [String]) {
    let output = try read(until: nil, resolve)
    return (output.text, output.words)
  }

  private var peek: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

  private mutating func next() -> Unicode.Scalar? {
    guard index < scalars.count else { return nil }
    defer { index += 1 }
    return scalars[index]
  }

  private mutating func read(until stop: Unicode.Scalar?, _ resolve: Resolve) throws(Failure) -> Output {
    var output = Output()
    while let scalar = peek {
      if scalar == stop {
        index += 1
        output.endWord()
        return output
      }
      switch scalar {
      case "'" where readsQuotes: output.appendQuoted(try singleQuoted())
      case "\"" where readsQuotes: output.appendQuoted(try doubleQuoted(resolve))
      case "$": output.appendSplitting(try dollar(resolve))
      case escape:
        index += 1
        if keepsEscapes { output.appendQuoted(String(scalar)) }
        if let escaped = next() { output.appendQuoted(String(escaped)) }
      default:
        index += 1
        output.append(scalar)
      }
      try checkSize(output.text)
    }
    if stop != nil { throw failure("has no closing \"}\"", hint: "close the substitution with }") }
    output.endWord()
    return output
  }

  private mutating func singleQuoted() throws(Failure) -> String {
    index += 1
    var text = String.UnicodeScalarView()
    while let scalar = next() {
      if scalar == "'" { return keepsQuotes ? "'" + String(text) + "'" : String(text) }
      text.append(scalar)
    }
    throw failure("has an open single quote", hint: "close the quote, or escape it with \(escape)")
  }

  private mutating func doubleQuoted(_ resolve: Resolve) throws(Failure) -> String {
    index += 1
    var text = keepsQuotes ? "\"" : ""
    while let scalar = peek {
      switch scalar {
      case "\"":
        index += 1
        return keepsQuotes ? text + "\"" : text
      case "$":
        text += try dollar(resolve)
        try checkSize(text)
      case escape:
        index += 1
        // Only these can be escaped in double quotes; before anything else the escape stays.
        let isEscaping = peek == "\"" || peek == "$" || peek == escape
        if keepsEscapes || !isEscaping, peek != nil { text.unicodeScalars.append(escape) }
        if isEscaping, let escaped = next() { text.unicodeScalars.append(escaped) }
      default:
        index += 1
        text.unicodeScalars.append(scalar)
      }
    }
    throw failure("has an open double quote", hint: "close the quote, or escape it with \(escape)")
  }

  private mutating func dollar(_ resolve: Resolve) throws(Failure) -> String {
    index += 1
    guard peek == "{" else {
      let name = name()
      if name.isEmpty { return "$" }
      return resolve(name, false) ?? (keepsUnset ? "$" + name : "")
    }
    index += 1
    depth += 1
    defer { depth -= 1 }
    guard depth <= Expansion.maximumDepth else {
      throw failure(
        "nests substitutions deeper than \(Expansion.maximumDepth)",
        hint: "split it into several ARG or ENV lines"
      )
    }
    return try braces(resolve)
  }

  private mutating func name() -> String {
    var name = String.UnicodeScalarView()
    guard let first = peek else { return "" }
    if "@*#?-$!".unicodeScalars.contains(first) {
      index += 1
      return String(first)
    }
    let isPositional = first.isDecimalDigit
    while let scalar = peek, isPositional ? scalar.isDecimalDigit : scalar.isNamePart {
      name.append(scalar)
      index += 1
    }
    return String(name)
  }

  private mutating func braces(_ resolve: Resolve) throws(Failure) -> String {
    switch peek {
    case nil: throw failure("has no closing \"}\"", hint: "close the substitution with }")
    case "{", "}", ":": throw failure("has a substitution without a name", hint: "write ${NAME}")
    default: break
    }
    let name = name()
    switch next() {
    case "}": return resolve(name, false) ?? (keepsUnset ? "${\(name)}" : "")
    case "/": return try replacement(in: name, resolve)
    case ":":
      guard let operation = next() else { throw failure("has no closing \"}\"", hint: "close it with }") }
      return try modified(name, operation, colon: true, resolve)
    case nil: throw failure("has no closing \"}\"", hint: "close the substitution with }")
    case .some(let operation): return try modified(name, operation, colon: false, resolve)
    }
  }

  /// `colon` makes an empty value count as unset.
  private mutating func modified(
    _ name: String,
    _ operation: Unicode.Scalar,
    colon: Bool,
    _ resolve: Resolve
  ) throws(Failure) -> String {
    guard "-+?#%".unicodeScalars.contains(operation) else {
      throw failure(
        "has the unknown modifier \"\(colon ? ":" : "")\(operation)\" in \"${\(name)\"",
        hint: "modifiers are :- :+ :? - + ? # ## % %% / and //"
      )
    }
    let isPattern = operation == "#" || operation == "%"
    // Docker: the word is expanded whether or not it is needed in the end.
    let word = try nested(until: "}", keepsEscapes: isPattern, resolve)
    let value = resolve(name, operation == "-" || operation == "+" || operation == "?")
    if keepsUnset, value == nil { return "${\(name)\(colon ? ":" : "")\(operation)\(word)}" }
    let isAbsent = value == nil || (colon && value == "")
    switch operation {
    case "-": return isAbsent ? word : value ?? ""
    case "+": return isAbsent ? "" : word
    case "?":
      guard isAbsent else { return value ?? "" }
      throw Failure(
        .invalidArgument,
        reason: "variable-required",
        "variable \"\(name.clipped)\" is \(value == nil ? "not set" : "empty")" + (word.isEmpty ? "" : ": " + word),
        hint: "pass --build-arg \(name.clipped)=VALUE or set it with ARG or ENV"
      )
    default: return try trimmed(value ?? "", operation, word)
    }
  }

  private func trimmed(_ value: String, _ side: Unicode.Scalar, _ word: String) throws(Failure) -> String {
    var text = Substring(word).unicodeScalars
    let longest = text.first == side
    if longest { text = text.dropFirst() }
    let pattern = try SubstitutionPattern(text, escape: escape)
    return side == "#"
      ? pattern.withoutPrefix(value, longest: longest) : pattern.withoutSuffix(value, longest: longest)
  }

  /// `${name/pattern/text}` and, with a second slash, every match.
  private mutating func replacement(in name: String, _ resolve: Resolve) throws(Failure) -> String {
    let replacesAll = peek == "/"
    if replacesAll { index += 1 }
    let pattern = try nested(until: "/", keepsEscapes: true, resolve)
    let text = try nested(until: "}", keepsEscapes: true, resolve)
    guard let value = resolve(name, false) else {
      return keepsUnset ? "${\(name)/\(replacesAll ? "/" : "")\(pattern)/\(text)}" : ""
    }
    let compiled = try SubstitutionPattern(Substring(pattern).unicodeScalars, escape: escape)
    let result = compiled.replacing(in: value, with: text, all: replacesAll, limit: limit)
    guard let result else { throw tooLarge() }
    return result
  }

  private mutating func nested(
    until stop: Unicode.Scalar,
    keepsEscapes: Bool,
    _ resolve: Resolve
  ) throws(Failure) -> String {
    let outer = self.keepsEscapes
    self.keepsEscapes = keepsEscapes
    defer { self.keepsEscapes = outer }
    return try read(until: stop, resolve).text
  }

  private func checkSize(_ text: String) throws(Failure) {
    if text.utf8.count > limit.bytes { throw tooLarge() }
  }

  private func tooLarge() -> Failure {
    failure("expands to more than \(limit)", hint: "keep large texts in files")
  }

  private func failure(_ what: String, hint: String) -> Failure {
    var text = String.UnicodeScalarView()
    text.append(contentsOf: scalars.prefix(100))
    return Failure(
      .invalidArgument,
      reason: "dockerfile-expansion",
      "word \"\(String(text).clipped)\" \(what)",
      hint: hint
    )
  }
}

extension Unicode.Scalar {
  fileprivate var isDecimalDigit: Bool { properties.generalCategory == .decimalNumber }

  /// Letters, digits and `_`.
  fileprivate var isNamePart: Bool {
    if isASCII { return self == "_" || properties.isAlphabetic || isDecimalDigit }
    switch properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber:
      return true
    default: return false
    }
  }
}
