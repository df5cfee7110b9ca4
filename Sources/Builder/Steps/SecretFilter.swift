import Diagnostics

/// Puts asterisks in the place of secrets in a stream of bytes, wherever the stream is cut.
struct SecretFilter {
  /// Longest first for each first byte, so that a secret within another hides nothing of the longer one's mask.
  private let byFirst: [UInt8: [[UInt8]]]
  /// Which bytes begin one, by their value: most of what commands print does not.
  private let begins: [Bool]
  /// The end of what came, which may be the beginning of a secret.
  private var held: [UInt8] = []

  private static let mask = Array(SecretValue.mask.utf8)
  /// A line of a longer secret is one too when it is at least so long: keys are printed line by line.
  private static let shortestLine = 8

  init(_ secrets: [SecretValue]) {
    var patterns: Set<[UInt8]> = []
    for secret in secrets {
      let bytes = Self.trimmed(secret.bytes[...])
      patterns.insert(Array(bytes))
      for line in bytes.split(separator: UInt8(ascii: "\n")) {
        let line = Self.trimmed(line)
        if line.count >= Self.shortestLine { patterns.insert(Array(line)) }
      }
    }
    patterns.remove([])
    let byFirst = Dictionary(grouping: patterns) { $0[0] }.mapValues { $0.sorted { $0.count > $1.count } }
    self.byFirst = byFirst
    begins = (0...255).map { byFirst[$0] != nil }
  }

  /// What can be said now of everything that came; the rest follows with the next bytes.
  mutating func pass(_ bytes: [UInt8]) -> [UInt8] {
    if byFirst.isEmpty { return bytes }
    let all = held + bytes
    let (passed, rest) = masked(all[...], isEnd: false)
    held = Array(rest)
    return passed
  }

  /// What was held back, at the stream's end.
  mutating func finish() -> [UInt8] {
    defer { held = [] }
    return masked(held[...], isEnd: true).passed
  }

  private func masked(_ bytes: ArraySlice<UInt8>, isEnd: Bool) -> (passed: [UInt8], rest: ArraySlice<UInt8>) {
    var passed: [UInt8] = []
    passed.reserveCapacity(bytes.count)
    var rest = bytes
    while let start = rest.firstIndex(where: { begins[Int($0)] }) {
      passed.append(contentsOf: rest[..<start])
      rest = rest[start...]
      let first = rest[start]
      var found: Int?
      for pattern in byFirst[first] ?? [] {
        if rest.starts(with: pattern) {
          found = pattern.count
          break
        }
        // A longer one may still come.
        if !isEnd, rest.count < pattern.count, pattern.starts(with: rest) { return (passed, rest) }
      }
      passed.append(contentsOf: found == nil ? [first] : Self.mask)
      rest = rest.dropFirst(found ?? 1)
    }
    passed.append(contentsOf: rest)
    return (passed, [])
  }

  /// A file's value usually ends with a line end that the variable made of it lacks.
  static func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let isBlank: (UInt8) -> Bool = { [0x20, 0x09, 0x0a, 0x0d].contains($0) }
    var bytes = bytes.drop(while: isBlank)
    while let last = bytes.last, isBlank(last) { bytes.removeLast() }
    return bytes
  }
}
