import Diagnostics

/// Parses one logical line with its heredocs.
struct InstructionParser {
  let escape: UInt8
  let heredocs: [Heredoc]
  /// The instruction's name in capitals.
  let keyword: String
  private let source: SourceText
  private let lines: ClosedRange<Int>
  private let text: ArraySlice<UInt8>
  /// What follows the name; `parse` takes the flags off it.
  var arguments: ArraySlice<UInt8>
  var flags: InstructionFlags
  /// What should be looked at although it builds.
  var warnings: [String] = []

  /// `lines` are the line's own, without heredoc bodies: the place errors point at.
  init(source: SourceText, lines: ClosedRange<Int>, escape: UInt8, heredocs: [Heredoc], text: ArraySlice<UInt8>) {
    self.source = source
    self.lines = lines
    self.escape = escape
    self.heredocs = heredocs
    self.text = text
    let (word, rest) = Words.first(of: text)
    keyword = word.text.uppercased()
    arguments = rest
    flags = InstructionFlags.take(from: &arguments, of: keyword) { message, hint in
      source.failure(message, at: lines, hint: hint)
    }
    arguments = arguments.trimmed()
  }

  /// Whether the instruction is one whose `<<` words begin heredocs.
  static func takesHeredocs(_ text: ArraySlice<UInt8>) -> Bool {
    let (word, rest) = Words.first(of: text)
    switch word.text.uppercased() {
    case "RUN", "COPY", "ADD": return true
    case "ONBUILD":
      let inner = Words.first(of: rest).word.text.uppercased()
      return ["RUN", "COPY", "ADD"].contains(inner)
    default: return false
    }
  }

  func fail(_ message: String, hint: String? = nil) -> Failure { source.failure(message, at: lines, hint: hint) }

  mutating func parse() throws(Failure) -> Instruction.Kind {
    guard DockerfileParser.keywords.contains(keyword) else { throw unknownInstruction() }
    switch keyword {
    case "FROM": return .from(try from())
    case "RUN": return .run(try run())
    case "COPY": return .copy(try transfer(isAdd: false))
    case "ADD": return .add(try transfer(isAdd: true))
    case "HEALTHCHECK": return .healthcheck(try healthcheck())
    default: break
    }
    try flags.allow([])
    switch keyword {
    case "ARG": return .arg(try argDeclarations())
    case "ENV": return .env(try keyValues())
    case "LABEL": return .label(try keyValues())
    case "WORKDIR": return .workdir(try onlyArgument("a directory"))
    case "USER": return .user(try onlyArgument("a user"))
    case "STOPSIGNAL": return .stopSignal(try onlyArgument("a signal"))
    case "MAINTAINER": return .maintainer(try onlyArgument("a name"))
    case "EXPOSE": return .expose(Words.separatedByBlanks(try required("a port")))
    case "VOLUME": return .volume(try volumes())
    case "CMD": return .cmd(try command(required("a command")))
    case "ENTRYPOINT": return .entrypoint(try command(required("a command")))
    case "SHELL": return .shell(try shell())
    case "ONBUILD": return try onbuild()
    default: throw unknownInstruction()
    }
  }

  private func unknownInstruction() -> Failure {
    let near = Suggestion.nearest(to: keyword, among: DockerfileParser.keywords)
    return fail(
      "instruction \"\(keyword.clipped)\" is unknown",
      hint: near.map { "did you mean \($0)?" }
        ?? "if it continues the line before, end that line with \(Character(Unicode.Scalar(escape)))"
    )
  }

  /// The arguments, refused when there are none.
  func required(_ what: String) throws(Failure) -> ArraySlice<UInt8> {
    guard !arguments.isEmpty else {
      throw fail("\(keyword) has no arguments", hint: "\(keyword) needs \(what)")
    }
    return arguments
  }

  private func onlyArgument(_ what: String) throws(Failure) -> String { try required(what).text }

  /// A command in exec form if it is a JSON array of strings, else in shell form.
  mutating func command(_ bytes: ArraySlice<UInt8>) throws(Failure) -> CommandForm {
    switch JSONStringArray.read(bytes) {
    case .strings(let strings): return .exec(strings)
    case .otherValues: throw notOnlyStrings()
    case .notAnArray:
      let inner = bytes.dropFirst().drop(while: \.isBlank).first
      if bytes.first == Byte.openBracket, inner == Byte.doubleQuote || inner == Byte.singleQuote {
        warnings.append("\(keyword) looks like a JSON array but is not one, so a shell runs it as text")
      }
      return .shell(bytes.text)
    }
  }

  /// The strings of a JSON array, else the words between blanks.
  func listOfWords(_ bytes: ArraySlice<UInt8>) throws(Failure) -> [String] {
    switch JSONStringArray.read(bytes) {
    case .strings(let strings): return strings
    case .otherValues: throw notOnlyStrings()
    case .notAnArray: return Words.separatedByBlanks(bytes)
    }
  }

  private func notOnlyStrings() -> Failure {
    fail("\(keyword) has a JSON array with values that are no strings", hint: "put every element in double quotes")
  }

  private mutating func onbuild() throws(Failure) -> Instruction.Kind {
    let text = try required("an instruction")
    var inner = InstructionParser(source: source, lines: lines, escape: escape, heredocs: heredocs, text: text)
    guard !["ONBUILD", "FROM", "MAINTAINER"].contains(inner.keyword) else {
      throw fail(
        "ONBUILD cannot trigger \(inner.keyword)",
        hint: "triggers are any instructions but FROM, ONBUILD, MAINTAINER"
      )
    }
    let trigger = try inner.parse()
    warnings += inner.warnings
    let bodies = heredocs.map { "\n" + $0.body + $0.name }.joined()
    return .onbuild(text: text.text + bodies, trigger: trigger)
  }
}
