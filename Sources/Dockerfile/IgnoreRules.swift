import Diagnostics

/// What a `.dockerignore` leaves out of the build context.
///
/// The last rule that matches a path or a directory above it decides; `!` takes back in. As in Docker, a slash at
/// either end of a rule means nothing, and a rule may name a file or a directory.
package struct IgnoreRules: Sendable {
  private struct Rule: Sendable {
    let pattern: PathPattern
    let isNegated: Bool
  }

  private let rules: [Rule]

  /// Leaves nothing out.
  package static let none = IgnoreRules(rules: [])

  private init(rules: [Rule]) { self.rules = rules }

  /// Reads a whole ignore file; `file` is the name that errors show.
  ///
  /// Throws `ignore-syntax` with the line for a broken pattern.
  package init(text: String, file: String = ".dockerignore") throws(Failure) {
    let source = SourceText(text, file: file)
    var rules: [Rule] = []
    for number in stride(from: 1, through: source.lineCount, by: 1) {
      let line = source.line(number)
      // Docker: only a # in the first column begins a comment.
      if line.first == Byte.hash { continue }
      do {
        if let rule = try Self.rule(line.trimmed().text) { rules.append(rule) }
      } catch {
        throw error.located(at: source.excerpt(number...number))
      }
    }
    self.rules = rules
  }

  /// Rules given one by one, as COPY's `--exclude` does; throws `ignore-syntax` without an excerpt.
  package init(patterns: [String]) throws(Failure) {
    var rules: [Rule] = []
    for pattern in patterns {
      if let rule = try Self.rule(Array(pattern.utf8).trimmed().text) { rules.append(rule) }
    }
    self.rules = rules
  }

  private static func rule(_ line: String) throws(Failure) -> Rule? {
    let isNegated = line.hasPrefix("!")
    let text = isNegated ? Array(line.utf8.dropFirst()).trimmed().text : line
    guard !text.isEmpty else {
      guard isNegated else { return nil }
      throw Failure(
        .invalidArgument,
        reason: "ignore-syntax",
        "rule \"!\" names nothing",
        hint: "write the path to keep after !"
      )
    }
    do {
      return Rule(pattern: try PathPattern(text, style: .ignore), isNegated: isNegated)
    } catch {
      throw Failure(.invalidArgument, reason: "ignore-syntax", error.message, hint: error.hint)
    }
  }

  /// Whether there are no rules at all.
  package var isEmpty: Bool { rules.isEmpty }

  /// Whether the path, relative to the context's root, is left out.
  ///
  /// Docker: rules do not tell files from directories, so `isDirectory` changes nothing today; a directory that is
  /// left out can still hold files that are not (see `canSkip`).
  package func ignores(_ path: String, isDirectory: Bool = false) -> Bool {
    var path = path
    return path.withUTF8 { ignores(Self.bare($0)) }
  }

  /// The same for a path of raw bytes that may be no UTF-8.
  package func ignores(bytes path: some Collection<UInt8>) -> Bool {
    path.withContiguousStorageIfAvailable { ignores(Self.bare($0)) }
      ?? Array(path).withUnsafeBufferPointer { ignores(Self.bare($0)) }
  }

  /// Whether the directory and everything below it is left out, so that it need not be read.
  package func canSkip(directory path: String) -> Bool {
    var path = path
    return path.withUTF8 { canSkip(Self.bare($0)) }
  }

  /// The same for a path of raw bytes that may be no UTF-8.
  package func canSkip(directoryBytes path: some Collection<UInt8>) -> Bool {
    path.withContiguousStorageIfAvailable { canSkip(Self.bare($0)) }
      ?? Array(path).withUnsafeBufferPointer { canSkip(Self.bare($0)) }
  }

  private func ignores(_ path: UnsafeBufferPointer<UInt8>) -> Bool {
    // From the end: the first match found is the last one in the file, and decides.
    for rule in rules.reversed() {
      let verdict = rule.pattern.verdict(on: path)
      if verdict.path || verdict.ancestor { return !rule.isNegated }
    }
    return false
  }

  private func canSkip(_ path: UnsafeBufferPointer<UInt8>) -> Bool {
    for rule in rules.reversed() {
      let verdict = rule.pattern.verdict(on: path)
      // Rules before this one are overruled for everything below as well.
      if verdict.path || verdict.ancestor { return !rule.isNegated }
      if rule.isNegated, verdict.below { return false }
    }
    return false
  }

  private static func bare(_ path: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
    var slice = path[...]
    while slice.first == Byte.slash { slice.removeFirst() }
    while slice.last == Byte.slash { slice.removeLast() }
    return UnsafeBufferPointer(rebasing: slice)
  }
}
