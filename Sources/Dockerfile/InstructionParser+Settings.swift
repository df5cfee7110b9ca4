import Diagnostics

// The instructions that set something in the image's config or name the base.
extension InstructionParser {
  func from() throws(Failure) -> FromInstruction {
    try flags.allow(["platform"])
    let platform = try flags.string("platform")
    let words = Words.separatedByBlanks(try required("an image"))
    if words.count == 1 { return FromInstruction(image: words[0], platform: platform, name: nil) }
    guard words.count == 3, words[1].lowercased() == "as" else {
      throw fail(
        "FROM has \(words.count) arguments it cannot read",
        hint: "write FROM IMAGE or FROM IMAGE AS NAME"
      )
    }
    guard Self.isStageName(words[2]) else {
      throw fail(
        "stage name \"\(words[2].clipped)\" is not allowed",
        hint: "begin with a letter, then letters, digits, \"-\", \"_\" or \".\""
      )
    }
    return FromInstruction(image: words[0], platform: platform, name: words[2])
  }

  private static func isStageName(_ name: String) -> Bool {
    let bytes = Array(name.lowercased().utf8)
    let isLetter = { (byte: UInt8) in (0x61...0x7A).contains(byte) }
    guard let first = bytes.first, isLetter(first) else { return false }
    return bytes.allSatisfy { isLetter($0) || $0.isDigit || "-_.".utf8.contains($0) }
  }

  func argDeclarations() throws(Failure) -> [ArgDeclaration] {
    var declarations: [ArgDeclaration] = []
    for word in Words.keepingQuotes(try required("a name"), escape: escape) {
      let parts = Self.halves(word)
      guard !parts[0].isEmpty else { throw blankName(word) }
      declarations.append(ArgDeclaration(name: parts[0], defaultValue: parts.count == 2 ? parts[1] : nil))
    }
    return declarations
  }

  /// ENV and LABEL: `K=V K2=V2`, or the old `K V` whose value is the rest of the line.
  func keyValues() throws(Failure) -> [KeyValue] {
    let words = Words.keepingQuotes(try required("NAME=VALUE"), escape: escape)
    guard let first = words.first, first.utf8.contains(UInt8(ascii: "=")) else {
      let (key, value) = Words.first(of: arguments)
      guard !value.isEmpty else {
        throw fail("\(keyword) gives \"\(key.text.clipped)\" no value", hint: "write \(keyword) NAME=VALUE")
      }
      return [KeyValue(key: key.text, value: value.text)]
    }
    var pairs: [KeyValue] = []
    for word in words {
      let parts = Self.halves(word)
      guard parts.count == 2 else {
        throw fail("\(keyword) has \"\(word.clipped)\" without \"=\"", hint: "put values with blanks in quotes")
      }
      guard !parts[0].isEmpty else { throw blankName(word) }
      pairs.append(KeyValue(key: parts[0], value: parts[1]))
    }
    return pairs
  }

  private func blankName(_ word: String) -> Failure {
    fail("\(keyword) has no name before \"\(word.clipped)\"", hint: "write \(keyword) NAME=VALUE")
  }

  func volumes() throws(Failure) -> [String] {
    let volumes = try listOfWords(try required("a directory"))
    guard !volumes.isEmpty, volumes.allSatisfy({ $0.utf8.contains { !$0.isBlank } }) else {
      throw fail("VOLUME has an empty path", hint: "name a directory, such as VOLUME /data")
    }
    return volumes
  }

  func shell() throws(Failure) -> [String] {
    switch JSONStringArray.read(try required("a JSON array")) {
    case .strings(let words) where !words.isEmpty: return words
    default:
      throw fail("SHELL is not a JSON array of strings", hint: "write SHELL [\"/bin/bash\", \"-c\"]")
    }
  }

  mutating func healthcheck() throws(Failure) -> Healthcheck {
    let (type, rest) = Words.first(of: try required("NONE or CMD and a command"))
    switch type.text.uppercased() {
    case "NONE":
      try flags.allow([])
      guard rest.isEmpty else { throw fail("HEALTHCHECK NONE has arguments", hint: "write HEALTHCHECK NONE alone") }
      return .none
    case "CMD":
      try flags.allow(["interval", "timeout", "start-period", "start-interval", "retries"])
      guard !rest.isEmpty else {
        throw fail("HEALTHCHECK CMD has no command", hint: "write HEALTHCHECK CMD and the command that probes")
      }
      return .probe(
        Healthcheck.Probe(
          command: try command(rest),
          intervalNanoseconds: try duration("interval"),
          timeoutNanoseconds: try duration("timeout"),
          startPeriodNanoseconds: try duration("start-period"),
          startIntervalNanoseconds: try duration("start-interval"),
          retries: try retries()
        )
      )
    default:
      throw fail("HEALTHCHECK type \"\(type.text.clipped)\" is unknown", hint: "write HEALTHCHECK CMD or NONE")
    }
  }

  /// Docker: 0 means the engine's default, anything else is at least a millisecond.
  private func duration(_ flag: String) throws(Failure) -> Int64? {
    guard let text = try flags.string(flag) else { return nil }
    guard let nanoseconds = DurationText.nanoseconds(text), nanoseconds == 0 || nanoseconds >= 1_000_000 else {
      throw fail(
        "flag \"--\(flag)\" cannot be \"\(text.clipped)\"",
        hint: "write a duration of at least 1ms, such as 30s or 1m30s"
      )
    }
    return nanoseconds == 0 ? nil : nanoseconds
  }

  private func retries() throws(Failure) -> Int? {
    guard let text = try flags.string("retries") else { return nil }
    guard let retries = Int32(text), retries >= 0 else {
      throw fail("flag \"--retries\" cannot be \"\(text.clipped)\"", hint: "write a number, such as 3")
    }
    return retries == 0 ? nil : Int(retries)
  }

  /// A word cut at its first `=`. By bytes: a mark that combines with the `=` makes one character of both.
  private static func halves(_ word: String) -> [String] {
    word.utf8.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
  }
}
