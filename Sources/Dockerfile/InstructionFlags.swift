import Diagnostics

/// The `--name=value` words between an instruction's name and its arguments.
struct InstructionFlags {
  private struct Flag {
    let name: String
    let value: String?
  }

  private let flags: [Flag]
  private let keyword: String
  private let fail: (_ message: String, _ hint: String) -> Failure

  /// Takes the flags off the front of `bytes`; a bare `--` ends them.
  ///
  /// Quotes and backslashes are resolved here, as in BuildKit. `fail` adds the place to an error.
  static func take(
    from bytes: inout ArraySlice<UInt8>,
    of keyword: String,
    fail: @escaping (String, String) -> Failure
  ) -> InstructionFlags {
    var flags: [Flag] = []
    var rest = bytes.drop(while: \.isBlank)
    while rest.starts(with: [Byte.hyphen, Byte.hyphen]) {
      let word = unquotedWord(from: &rest).dropFirst(2)
      rest = rest.drop(while: \.isBlank)
      if word.isEmpty { break }
      let equals = word.firstIndex(of: Byte.equals)
      flags.append(Flag(name: word[..<(equals ?? word.endIndex)].text, value: equals.map { word[($0 + 1)...].text }))
    }
    bytes = rest
    return InstructionFlags(flags: flags, keyword: keyword, fail: fail)
  }

  private static func unquotedWord(from bytes: inout ArraySlice<UInt8>) -> [UInt8] {
    var word: [UInt8] = []
    var quote: UInt8?
    while let byte = bytes.first {
      if quote == nil, byte.isBlank { break }
      bytes.removeFirst()
      if byte == quote {
        quote = nil
      } else if quote == nil, byte == Byte.singleQuote || byte == Byte.doubleQuote {
        quote = byte
      } else if byte == Byte.backslash {
        if let escaped = bytes.popFirst() { word.append(escaped) }
      } else {
        word.append(byte)
      }
    }
    return word
  }

  /// Refuses flags that are not in `single` or `repeated`, and ones of `single` given twice.
  func allow(_ single: [String], repeated: [String] = []) throws(Failure) {
    let allowed = single + repeated
    var seen: Set<String> = []
    for flag in flags {
      guard allowed.contains(flag.name) else {
        throw fail("\(keyword) has no flag \"--\(flag.name.clipped)\"", hint(for: flag.name, allowed))
      }
      guard seen.insert(flag.name).inserted || repeated.contains(flag.name) else {
        throw fail("flag \"--\(flag.name)\" is given twice", "keep one of them")
      }
    }
  }

  private func hint(for name: String, _ allowed: [String]) -> String {
    guard !allowed.isEmpty else { return "\(keyword) takes no flags" }
    let list = "\(keyword) takes " + allowed.map { "--" + $0 }.joined(separator: ", ")
    guard let near = Suggestion.nearest(to: name, among: allowed) else { return list }
    return "did you mean \"--\(near)\"? \(list)"
  }

  /// The flag's value; nil when it is not given.
  func string(_ name: String) throws(Failure) -> String? { try strings(name).first }

  /// The values of a flag that may be repeated.
  func strings(_ name: String) throws(Failure) -> [String] {
    var values: [String] = []
    for flag in flags where flag.name == name {
      guard let value = flag.value else {
        throw fail("flag \"--\(name)\" has no value", "write --\(name)=VALUE")
      }
      values.append(value)
    }
    return values
  }

  /// `--name`, `--name=true` or `--name=false`; nil when it is not given.
  func bool(_ name: String) throws(Failure) -> Bool? {
    guard let flag = flags.first(where: { $0.name == name }) else { return nil }
    switch flag.value?.lowercased() {
    case nil, "true": return true
    case "false": return false
    case .some(let value):
      throw fail("flag \"--\(name)\" cannot be \"\(value.clipped)\"", "write --\(name) or --\(name)=false")
    }
  }

  /// The flag's value as one of an enumeration's words.
  func choice<Choice: RawRepresentable<String>>(_ name: String, of all: [Choice]) throws(Failure) -> Choice? {
    guard let value = try string(name) else { return nil }
    if let choice = Choice(rawValue: value.lowercased()) { return choice }
    throw fail(
      "flag \"--\(name)\" cannot be \"\(value.clipped)\"",
      "allowed: " + all.map(\.rawValue).joined(separator: ", ")
    )
  }
}
