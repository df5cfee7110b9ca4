import Diagnostics

/// The build checks that need nothing but the text; those that need values or files are the planner's.
struct DockerfileChecks {
  private let dockerfile: ParsedDockerfile
  private(set) var findings: [ParsedDockerfile.Warning] = []

  /// Runs every check, chosen or not, in the order of the lines.
  init(_ dockerfile: ParsedDockerfile) {
    self.dockerfile = dockerfile
    checkKeywords()
    checkStageNames()
    for stage in dockerfile.stages {
      checkOpening(stage)
      checkRepetitions(in: stage)
      checkCommands(in: stage)
      checkWorkdirs(in: stage)
    }
    for instruction in dockerfile.instructions {
      checkSettings(instruction)
      checkDescription(instruction)
    }
  }

  private mutating func find(_ check: BuildCheck, _ text: String, _ lines: ClosedRange<Int>) {
    findings.append(ParsedDockerfile.Warning(text: text, source: dockerfile.excerpt(lines), check: check))
  }

  // MARK: - Casing

  private mutating func checkKeywords() {
    let words = dockerfile.instructions.map { (word: $0.writtenKeyword, lines: $0.lines) }
    let lower = words.count { $0.word == $0.word.lowercased() }
    let isLower = lower * 2 > words.count
    for (word, lines) in words where word != (isLower ? word.lowercased() : word.uppercased()) {
      find(
        .consistentInstructionCasing,
        "instruction '\(word)' should be written like most others, in \(isLower ? "lower" : "upper") case", lines)
    }
  }

  private mutating func checkStageNames() {
    var seen: [String: Int] = [:]
    for stage in dockerfile.stages {
      guard let name = stage.name, let key = stage.key else { continue }
      let lines = stage.opening.lines
      if name != key { find(.stageNameCasing, "stage name '\(name)' should be in lower case", lines) }
      if ["scratch", "context"].contains(key) {
        find(.reservedStageName, "stage name '\(name)' is a reserved word", lines)
      }
      if let earlier = seen.updateValue(lines.lowerBound, forKey: key) {
        find(.duplicateStageName, "stage name '\(name)' is already used on line \(earlier)", lines)
      }
      let words = stage.opening.original.utf8.split(separator: Byte.space).map { $0.text }
      guard words.count >= 3, let from = words.first else { continue }
      let word = words[words.count - 2]
      let fits = from == from.lowercased() ? word == "as" : from == from.uppercased() ? word == "AS" : true
      if !fits { find(.fromAsCasing, "'\(word)' and '\(from)' should be in the same case", lines) }
    }
  }

  // MARK: - FROM

  private static let platformArguments: Set<String> = [
    "TARGETPLATFORM", "TARGETOS", "TARGETARCH", "TARGETVARIANT", "BUILDPLATFORM", "BUILDOS", "BUILDARCH",
    "BUILDVARIANT", "TARGETSTAGE",
  ]

  private mutating func checkOpening(_ stage: Stage) {
    let lines = stage.opening.lines
    let known = Self.platformArguments.union(dockerfile.metaArgs.map(\.name))
    for word in [stage.from.image, stage.from.platform ?? ""] {
      for use in uses(in: word) where !use.hasFallback && !known.contains(use.name) {
        let near = Suggestion.nearest(to: use.name, among: known.sorted())
        find(
          .undefinedArgInFrom,
          "FROM uses '$\(use.name)', which no ARG before it declares" + (near.map { "; did you mean '$\($0)'?" } ?? ""),
          lines)
      }
    }
    guard let platform = stage.from.platform else { return }
    if ["$TARGETPLATFORM", "${TARGETPLATFORM}"].contains(platform) {
      find(
        .redundantTargetPlatform, "FROM --platform=\(platform) says what is so without it: it is the default", lines)
    } else if uses(in: platform).isEmpty, !Self.names(stage.key ?? "", platform) {
      find(.fromPlatformFlagConstDisallowed, "FROM --platform should not be the constant '\(platform)'", lines)
    }
  }

  /// Whether a stage's name tells that it is for one platform alone.
  private static func names(_ stage: String, _ platform: String) -> Bool {
    platform.lowercased().split(separator: "/").contains { stage.contains($0) }
  }

  private func uses(in word: String) -> [Expansion.VariableUse] {
    var uses: [Expansion.VariableUse] = []
    _ = try? Expansion.expand(word, escape: dockerfile.directives.escape, lookup: { _ in "x" }) { uses.append($0) }
    return uses
  }

  // MARK: - What a stage says twice, or for a shell

  private mutating func checkRepetitions(in stage: Stage) {
    for keyword in ["CMD", "ENTRYPOINT", "HEALTHCHECK"] {
      for instruction in stage.instructions.filter({ $0.keyword == keyword }).dropLast() {
        find(
          .multipleInstructionsDisallowed, "only the last \(keyword) of a stage is used; this one has no effect",
          instruction.lines)
      }
    }
  }

  private mutating func checkCommands(in stage: Stage) {
    var hasShell = false
    for instruction in stage.instructions {
      switch instruction.kind {
      case .shell: hasShell = true
      case .cmd(.shell), .entrypoint(.shell):
        guard !hasShell else { continue }
        find(
          .jsonArgsRecommended,
          "\(instruction.keyword) should be a JSON array: a shell does not pass signals on to what it runs",
          instruction.lines)
      default: continue
      }
    }
  }

  private mutating func checkWorkdirs(in stage: Stage) {
    var hasAbsolute = false
    for instruction in stage.instructions {
      guard case .workdir(let word) = instruction.kind else { continue }
      let first = word.utf8.first { $0 != Byte.doubleQuote && $0 != Byte.singleQuote }
      if first == Byte.slash || first == UInt8(ascii: "$") {
        hasAbsolute = true
      } else if !hasAbsolute, !inheritsWorkdir(stage) {
        find(
          .workdirRelativePath, "WORKDIR '\(word.clipped)' is relative to whatever the base image ends in",
          instruction.lines)
      }
    }
  }

  private func inheritsWorkdir(_ stage: Stage) -> Bool {
    let key = stage.from.image.lowercased()
    guard let base = dockerfile.stages[..<stage.index].last(where: { $0.key == key }) else { return false }
    return base.instructions.contains { $0.keyword == "WORKDIR" } || inheritsWorkdir(base)
  }

  // MARK: - Settings

  private mutating func checkSettings(_ instruction: Instruction) {
    switch instruction.kind {
    case .env(let pairs):
      checkFormat(instruction)
      for pair in pairs where Self.looksSecret(pair.key) { findSecret(pair.key, instruction) }
    case .label: checkFormat(instruction)
    case .arg(let declarations):
      for declaration in declarations where Self.looksSecret(declaration.name) {
        findSecret(declaration.name, instruction)
      }
    case .maintainer:
      find(
        .maintainerDeprecated, "MAINTAINER is deprecated; write LABEL org.opencontainers.image.authors=… instead",
        instruction.lines)
    case .expose(let words):
      for word in words { checkPort(word, instruction) }
    default: return
    }
  }

  private mutating func findSecret(_ name: String, _ instruction: Instruction) {
    find(
      .secretsUsedInArgOrEnv,
      "\(instruction.keyword) '\(name)' looks like a secret, and the image keeps it; use RUN --mount=type=secret",
      instruction.lines)
  }

  private mutating func checkFormat(_ instruction: Instruction) {
    let words = instruction.original.utf8.split(separator: Byte.space, maxSplits: 2)
    guard words.count > 1, !words[1].contains(Byte.equals) else { return }
    find(
      .legacyKeyValueFormat, "\(instruction.keyword) KEY VALUE is the old form; write \(instruction.keyword) KEY=VALUE",
      instruction.lines)
  }

  private mutating func checkPort(_ word: String, _ instruction: Instruction) {
    let parts = word.split(separator: "/", maxSplits: 1)
    if parts.count == 2, !parts[1].contains("$"), parts[1] != parts[1].lowercased() {
      find(.exposeProtoCasing, "EXPOSE '\(word)' should name its protocol in lower case", instruction.lines)
    }
    if !word.contains("$"), word.contains(":") {
      find(
        .exposeInvalidFormat, "EXPOSE '\(word)' should not name an address or a port of the host", instruction.lines)
    }
  }

  /// Whole words of the name, between underscores; what is called public is none.
  private static func looksSecret(_ name: String) -> Bool {
    let words = Set(name.lowercased().split(separator: "_", omittingEmptySubsequences: false).map(String.init))
    let secrets: Set<String> = [
      "apikey", "auth", "credential", "credentials", "key", "password", "pword", "passwd", "secret", "token",
    ]
    return !words.isDisjoint(with: secrets) && !words.contains("public")
  }

  // MARK: - Descriptions

  /// A comment right above FROM or ARG is read as a description and should begin with the name it describes.
  private mutating func checkDescription(_ instruction: Instruction) {
    let names: [String]
    switch instruction.kind {
    case .from(let from): names = from.name.map { [$0] } ?? []
    case .arg(let declarations): names = declarations.map(\.name)
    default: return
    }
    let above = instruction.lines.lowerBound - 1
    guard above >= dockerfile.firstLine, !names.isEmpty, let comment = dockerfile.comment(at: above),
      dockerfile.comment(at: above - 1) == nil || above == dockerfile.firstLine,
      !names.contains(where: { comment.lowercased().hasPrefix($0.lowercased() + " ") })
    else { return }
    find(
      .invalidDefinitionDescription,
      "the comment above \(instruction.keyword) should begin with '\(names[0])', or have an empty line after it",
      instruction.lines)
  }
}

extension Instruction {
  /// The instruction's name as the file has it.
  fileprivate var writtenKeyword: String { original.utf8.prefix { !$0.isBlank }.text }
}
