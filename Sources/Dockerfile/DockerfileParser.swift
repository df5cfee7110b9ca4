import Diagnostics

/// Turns a Dockerfile's text into instructions: BuildKit's language, without expansion.
package enum DockerfileParser {
  /// Larger files are refused; the largest ones people write by hand are a thousandth of it.
  package static let maximumSize = ByteCount.mebibytes(4)

  /// Every instruction's name in capitals.
  package static let keywords = [
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER",
    "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
  ]

  /// Parses a whole Dockerfile; `file` is the name that errors show.
  ///
  /// Throws `dockerfile-syntax` (always with line and excerpt), `dockerfile-too-large` and, for a `# syntax=` other
  /// than the official one, `dockerfile-frontend`.
  package static func parse(_ text: String, file: String) throws(Failure) -> ParsedDockerfile {
    guard text.utf8.count <= maximumSize.bytes else {
      throw Failure(
        .invalidArgument,
        reason: "dockerfile-too-large",
        "Dockerfile \"\(file)\" has \(ByteCount(Int64(text.utf8.count))), more than \(maximumSize)",
        hint: "move large heredocs into files and COPY them"
      )
    }
    let source = SourceText(text, file: file)
    if let line = source.firstLineWithNUL {
      throw source.failure(
        "Dockerfile has a NUL byte",
        at: line...line,
        hint: "save the file as UTF-8 text; UTF-16 is not read"
      )
    }
    let (directives, firstLine) = try DirectiveReader.read(source)
    let escape = directives.escape.asciiValue ?? Byte.backslash
    var reader = LineReader(source, from: firstLine, escape: escape)
    var assembly = Assembly(source: source)
    while let line = reader.nextLine() {
      try assembly.add(line, from: &reader, escape: escape)
    }
    return try assembly.finish(text: text, directives: directives, firstLine: firstLine)
  }

  /// Parses one trigger out of an image's config (`OnBuild`), written with the default escape character.
  package static func parseTrigger(_ text: String) throws(Failure) -> Instruction {
    let parsed = try parse("FROM scratch\nONBUILD " + text, file: "ONBUILD trigger")
    guard parsed.instructions.count == 2, case .onbuild(_, let trigger) = parsed.instructions[1].kind else {
      throw Failure(
        .invalidArgument,
        reason: "dockerfile-syntax",
        "trigger \"\(text.clipped)\" is not one instruction",
        hint: "rebuild the base image that brings it"
      )
    }
    let original = parsed.instructions[1].original.dropFirst("ONBUILD ".count)
    return Instruction(kind: trigger, lines: parsed.instructions[1].lines, original: String(original))
  }
}

/// What was read so far.
private struct Assembly {
  private static let maximumWarnings = 100

  let source: SourceText
  private var instructions: [Instruction] = []
  private var metaArgs: [ArgDeclaration] = []
  private var stages: [Stage] = []
  private var warnings: [ParsedDockerfile.Warning] = []

  init(source: SourceText) { self.source = source }

  mutating func add(_ line: LogicalLine, from reader: inout LineReader, escape: UInt8) throws(Failure) {
    if let empty = line.emptyLines.first {
      warn("empty line inside an instruction; it may be forbidden one day", at: empty...empty, .noEmptyContinuation)
    }
    var lines = line.lines
    var heredocs: [Heredoc] = []
    if InstructionParser.takesHeredocs(line.bytes[...]) {
      for mark in HeredocMark.all(in: line.bytes.text) {
        heredocs.append(try reader.heredoc(mark, lines: &lines))
      }
    }
    var parser = InstructionParser(
      source: source,
      lines: line.lines,
      escape: escape,
      heredocs: heredocs,
      text: line.bytes[...]
    )
    let kind = try parser.parse()
    for warning in parser.warnings { warn(warning, at: line.lines) }
    try append(Instruction(kind: kind, lines: lines, original: line.original))
  }

  private mutating func append(_ instruction: Instruction) throws(Failure) {
    instructions.append(instruction)
    switch instruction.kind {
    case .from(let from):
      stages.append(Stage(index: stages.count, from: from, opening: instruction, instructions: []))
    case .arg(let declarations) where stages.isEmpty:
      metaArgs += declarations
    default:
      guard !stages.isEmpty else {
        throw source.failure(
          "\(instruction.keyword) comes before the first FROM",
          at: instruction.lines,
          hint: "begin the Dockerfile with FROM; only ARG may precede it"
        )
      }
      stages[stages.count - 1].instructions.append(instruction)
    }
  }

  private mutating func warn(_ text: String, at lines: ClosedRange<Int>, _ check: BuildCheck? = nil) {
    guard warnings.count < Self.maximumWarnings else { return }
    warnings.append(ParsedDockerfile.Warning(text: text, source: source.excerpt(lines), check: check))
  }

  func finish(
    text: String, directives: ParsedDockerfile.Directives, firstLine: Int
  ) throws(Failure) -> ParsedDockerfile {
    let last = max(1, source.lineCount)
    guard !instructions.isEmpty else {
      throw source.failure(
        "Dockerfile has no instructions",
        at: last...last,
        hint: "begin it with FROM, such as FROM scratch"
      )
    }
    guard !stages.isEmpty else {
      throw source.failure("Dockerfile has no FROM", at: last...last, hint: "add FROM and the base image's name")
    }
    var dockerfile = ParsedDockerfile(
      file: source.file,
      text: text,
      directives: directives,
      instructions: instructions,
      metaArgs: metaArgs,
      stages: stages,
      warnings: [],
      source: source,
      firstLine: firstLine
    )
    let found = warnings + DockerfileChecks(dockerfile).findings
    let sorted = found.enumerated().sorted { ($0.1.source.firstLine, $0.0) < ($1.1.source.firstLine, $1.0) }
    dockerfile.warnings = sorted.prefix(Self.maximumWarnings).map(\.element)
    return dockerfile
  }
}
