import Diagnostics

/// The executor's flags as they were given, read by Kaniko's rules: `--name=value`, `--name value`, `--switch`,
/// `--switch=false`, `-n value`.
struct FlagValues: Sendable {
  /// In the order given.
  private let given: [(name: String, value: String)]

  /// Throws `flag-unknown`, `flag-value-missing` and `argument-unexpected`.
  init(_ words: [String]) throws(Failure) {
    var given: [(String, String)] = []
    var rest = words[...]
    while let word = rest.popFirst() {
      guard word.hasPrefix("-"), word != "-" else {
        throw Failure(
          .invalidArgument, reason: "argument-unexpected", "'\(word)' is not a flag",
          hint: "the context is given with --context, and a switch's value as in --cache=true")
      }
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let spelled = String(parts[0])
      let flag = try Self.flag(spelled)
      var value = parts.count == 2 ? String(parts[1]) : nil
      if value == nil {
        if flag.kind == .bool {
          value = "true"
        } else if let next = rest.popFirst() {
          value = next
        }
      }
      guard let value else {
        throw Failure(.invalidArgument, reason: "flag-value-missing", "flag '\(spelled)' needs a value")
      }
      given.append((flag.name, value))
    }
    self.given = given
  }

  /// Flags that stand for nothing, each once, in the order given.
  var idle: [(name: String, why: String)] {
    var seen: Set<String> = []
    return given.compactMap { name, _ in
      guard case .idle(let why)? = ExecutorFlag.named(name)?.role, seen.insert(name).inserted else { return nil }
      return (name, why)
    }
  }

  /// The last value; nil when the flag was not given or is empty.
  func last(_ name: String) -> String? { given.last { $0.name == name }.flatMap { $0.value.isEmpty ? nil : $0.value } }

  func all(_ name: String) -> [String] { given.filter { $0.name == name }.map(\.value) }

  /// `usually` is what a flag that was not given means. Throws `flag-value-invalid` for what is neither true nor false.
  func isOn(_ name: String, usually: Bool = false) throws(Failure) -> Bool {
    guard let value = last(name) else { return usually }
    guard let isOn = Self.bool(value) else { throw Self.invalid(name, value, "true or false") }
    return isOn
  }

  /// A whole number of at least `least`.
  func number(_ name: String, least: Int = 0) throws(Failure) -> Int? {
    guard let value = last(name) else { return nil }
    guard let number = Int(value), number >= least else { throw Self.invalid(name, value, "a number from \(least) on") }
    return number
  }

  /// One of a few words.
  func choice<Choice: RawRepresentable & CaseIterable>(
    _ name: String, _ type: Choice.Type
  ) throws(Failure) -> Choice? where Choice.RawValue == String {
    guard let value = last(name) else { return nil }
    guard let choice = Choice(rawValue: value.lowercased()) else {
      throw Self.invalid(name, value, Choice.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return choice
  }

  /// `KEY=VALUE` each time; the last one of a key counts.
  func pairs(_ name: String) throws(Failure) -> [String: String] {
    var pairs: [String: String] = [:]
    for text in all(name) {
      let (key, value) = try Self.pair(name, text)
      pairs[key] = value
    }
    return pairs
  }

  static func pair(_ name: String, _ text: String) throws(Failure) -> (key: String, value: String) {
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
      throw invalid(name, text, "KEY=VALUE")
    }
    return (String(text[..<equals]), String(text[text.index(after: equals)...]))
  }

  /// What Go's `strconv.ParseBool` takes.
  static func bool(_ text: String) -> Bool? {
    switch text {
    case "1", "t", "T", "true", "TRUE", "True": true
    case "0", "f", "F", "false", "FALSE", "False": false
    default: nil
    }
  }

  static func invalid(_ name: String, _ value: String, _ wanted: String) -> Failure {
    Failure(.invalidArgument, reason: "flag-value-invalid", "'--\(name)=\(value)' is not \(wanted)")
  }

  private static func flag(_ spelled: String) throws(Failure) -> ExecutorFlag {
    if spelled.hasPrefix("--") {
      if let flag = ExecutorFlag.named(String(spelled.dropFirst(2))) { return flag }
    } else if spelled.count == 2, let flag = ExecutorFlag.all.first(where: { $0.short == spelled.last }) {
      return flag
    }
    let known = ExecutorFlag.all.map { "--" + $0.name }
    let near = Nearest.word(to: spelled, among: known)
    throw Failure(
      .invalidArgument, reason: "flag-unknown", "flag '\(spelled)' is not known",
      hint: near.map { "did you mean '\($0)'?" } ?? "see: kindling executor --help")
  }
}
