import Diagnostics

/// One step of a compiled path pattern.
enum PatternStep: Sendable, Hashable {
  case scalar(UInt32)
  /// `?`
  case one
  /// `*`
  case star
  case set(PatternSet)
  /// `**/` : either nothing, or the body that follows.
  case tree
  /// Anything up to and including a slash.
  case treeBody
  /// `**` at the end: everything that is left.
  case rest
}

/// `[…]` in a path pattern.
struct PatternSet: Sendable, Hashable {
  var ranges: [ClosedRange<UInt32>] = []
  var isNegated = false

  func contains(_ scalar: UInt32) -> Bool { ranges.contains { $0.contains(scalar) } != isNegated }
}

/// Compiles a cleaned pattern's text.
struct PatternCompiler {
  private let text: String
  private let style: PathPattern.Style
  private var rest: Substring.UnicodeScalarView
  private var steps: [PatternStep] = []

  init(_ text: String, style: PathPattern.Style) {
    self.text = text
    self.style = style
    rest = Substring(text).unicodeScalars
  }

  mutating func compile() throws(Failure) -> [PatternStep] {
    while let scalar = rest.popFirst() {
      switch scalar {
      case "*": stars()
      case "?": steps.append(.one)
      case "[": steps.append(.set(try set()))
      case "\\": steps.append(.scalar(try escaped()))
      default: steps.append(.scalar(scalar.value))
      }
    }
    return steps
  }

  private mutating func stars() {
    guard style == .ignore, rest.first == "*" else {
      while style == .source, rest.first == "*" { rest.removeFirst() }
      steps.append(.star)
      return
    }
    rest.removeFirst()
    let hadSlash = rest.first == "/"
    if hadSlash { rest.removeFirst() }
    if rest.isEmpty {
      steps.append(.rest)
    } else if steps.isEmpty, !hadSlash, !rest.contains(where: { "*?[]\\".unicodeScalars.contains($0) }) {
      // Docker: `**.pyc` matches by its ending alone, with any text before it.
      steps.append(.rest)
    } else {
      steps += [.tree, .treeBody]
    }
  }

  private mutating func escaped() throws(Failure) -> UInt32 {
    guard let scalar = rest.popFirst() else { throw bad("ends in \"\\\"") }
    return scalar.value
  }

  private mutating func set() throws(Failure) -> PatternSet {
    var set = PatternSet()
    if rest.first == "^" {
      set.isNegated = true
      rest.removeFirst()
    }
    while true {
      if rest.first == "]", !set.ranges.isEmpty {
        rest.removeFirst()
        return set
      }
      let low = try setMember()
      var high = low
      if rest.first == "-" {
        rest.removeFirst()
        high = try setMember()
      }
      // A range written backwards matches nothing; a bound no character has says the same.
      set.ranges.append(low <= high ? low...high : UInt32.max...UInt32.max)
    }
  }

  private mutating func setMember() throws(Failure) -> UInt32 {
    guard let scalar = rest.popFirst(), scalar != "]", scalar != "-" else {
      throw bad("has a \"[\" that does not close")
    }
    return scalar == "\\" ? try escaped() : scalar.value
  }

  private func bad(_ what: String) -> Failure {
    Failure(
      .invalidArgument,
      reason: "path-pattern",
      "pattern \"\(text.clipped)\" \(what)",
      hint: "write \\[ or \\\\ for the character itself"
    )
  }
}
