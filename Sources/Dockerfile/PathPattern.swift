import Diagnostics

/// A pattern over relative paths, matched on raw bytes so that names need not be UTF-8.
///
/// `?` and `*` never match `/`; `[a-z]` and `[^a-z]` match one character; `\` takes the next character literally.
package struct PathPattern: Sendable, Hashable {
  package enum Style: Sendable, Hashable {
    /// COPY and ADD sources: Go's `filepath.Match`.
    case source
    /// `.dockerignore` and `--exclude`: the same, and `**` matches any number of directories.
    case ignore
  }

  /// What a pattern says about a path.
  struct Verdict: Hashable {
    /// It matches the path itself.
    var path = false
    /// It matches a directory above the path.
    var ancestor = false
    /// It may match something below the path.
    var below = false
  }

  private enum Strategy: Hashable {
    case literal([UInt8])
    /// `**/` and a literal.
    case literalAnywhere([UInt8])
    case steps
  }

  /// The pattern, cleaned: no `./`, no doubled or outer slashes.
  package let text: String
  /// Without wildcards the path it names, escapes resolved; else nil.
  package let literal: String?
  /// The directory above everything that can match: the components before the first one with a wildcard.
  package let base: String
  private let steps: [PatternStep]
  private let strategy: Strategy

  /// Throws `path-pattern` (without an excerpt) for an open `[` or a lone `\` at the end.
  package init(_ pattern: String, style: Style) throws(Failure) {
    let text = Self.clean(pattern)
    var compiler = PatternCompiler(text, style: style)
    let steps = try compiler.compile()
    self.text = text
    self.steps = steps
    literal = Self.literal(steps[...]).map(\.text)
    if let bytes = Self.literal(steps[...]) {
      strategy = .literal(bytes)
    } else if steps.count > 2, steps[0] == .tree, steps[1] == .treeBody, let bytes = Self.literal(steps[2...]) {
      strategy = .literalAnywhere(bytes)
    } else {
      strategy = .steps
    }
    let fixed = steps.prefix { if case .scalar = $0 { true } else { false } }
    let bytes = Self.literal(fixed) ?? []
    base = fixed.count == steps.count ? bytes.text : bytes[..<(bytes.lastIndex(of: Byte.slash) ?? 0)].text
  }

  /// Whether the pattern matches this whole path (relative, without outer slashes).
  package func matches(_ path: String) -> Bool { matches(bytes: path.utf8) }

  /// Whether the pattern matches this whole path, given as raw bytes.
  package func matches(bytes path: some Collection<UInt8>) -> Bool { judged(path).path }

  /// Whether something below this directory can match, so that it is worth a visit.
  package func canMatchBelow(_ directory: String) -> Bool { judged(directory.utf8).below }

  /// The same for a directory given as raw bytes.
  package func canMatchBelow(bytes directory: some Collection<UInt8>) -> Bool { judged(directory).below }

  private func judged(_ path: some Collection<UInt8>) -> Verdict {
    path.withContiguousStorageIfAvailable { verdict(on: $0) }
      ?? Array(path).withUnsafeBufferPointer { verdict(on: $0) }
  }

  func verdict(on path: UnsafeBufferPointer<UInt8>) -> Verdict {
    switch strategy {
    case .literal(let bytes): Self.verdict(of: bytes, on: path)
    case .literalAnywhere(let bytes): Self.verdict(ofAnywhere: bytes, on: path)
    case .steps: PatternRun.verdict(of: steps, on: path)
    }
  }

  private static func verdict(of literal: [UInt8], on path: UnsafeBufferPointer<UInt8>) -> Verdict {
    if literal.count <= path.count {
      guard path.starts(with: literal) else { return Verdict() }
      if literal.count == path.count { return Verdict(path: true) }
      return Verdict(ancestor: path[literal.count] == Byte.slash)
    }
    return Verdict(below: literal[path.count] == Byte.slash && literal.starts(with: path))
  }

  private static func verdict(ofAnywhere literal: [UInt8], on path: UnsafeBufferPointer<UInt8>) -> Verdict {
    var verdict = Verdict(below: true)
    var start = 0
    while start + literal.count <= path.count {
      let end = start + literal.count
      if end == path.count || path[end] == Byte.slash, path[start..<end].elementsEqual(literal) {
        if end == path.count { verdict.path = true } else { verdict.ancestor = true }
      }
      guard let slash = path[start...].firstIndex(of: Byte.slash) else { break }
      start = slash + 1
    }
    return verdict
  }

  private static func literal(_ steps: ArraySlice<PatternStep>) -> [UInt8]? {
    var scalars = String.UnicodeScalarView()
    for step in steps {
      guard case .scalar(let value) = step, let scalar = Unicode.Scalar(value) else { return nil }
      scalars.append(scalar)
    }
    return Array(String(scalars).utf8)
  }

  /// Go's `filepath.Clean`, and no slash in front: patterns are relative to the root of the context.
  static func clean(_ pattern: String) -> String {
    var components: [Substring] = []
    for component in pattern.split(separator: "/") where component != "." {
      if component == "..", let last = components.last, last != ".." {
        components.removeLast()
      } else if component != ".." || !pattern.hasPrefix("/") {
        components.append(component)
      }
    }
    return components.isEmpty ? "." : components.joined(separator: "/")
  }
}
