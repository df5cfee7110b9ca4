import Diagnostics

/// A pattern in `${v#p}`, `${v%p}` or `${v/p/r}`: `*` is any text, `?` one character.
struct SubstitutionPattern {
  private enum Element {
    case scalar(Unicode.Scalar)
    case anyOne

    func matches(_ scalar: Unicode.Scalar) -> Bool {
      if case .scalar(let own) = self { own == scalar } else { true }
    }
  }

  private typealias Text = [Unicode.Scalar]

  /// The pieces between stars: always one more than there are stars.
  private var pieces: [[Element]] = [[]]

  /// `escape` before `*`, `?`, `}`, `/` or itself makes them literal.
  init(_ text: Substring.UnicodeScalarView, escape: Unicode.Scalar) throws(Failure) {
    var rest = text
    while let scalar = rest.popFirst() {
      switch scalar {
      case "*": pieces.append([])
      case "?": pieces[pieces.count - 1].append(.anyOne)
      case escape:
        guard let escaped = rest.popFirst(), "*?}/".unicodeScalars.contains(escaped) || escaped == escape else {
          throw Failure(
            .invalidArgument,
            reason: "dockerfile-expansion",
            "pattern \"\(String(text).clipped)\" escapes a character that needs none",
            hint: "only * ? } / and \(escape) can be escaped in a pattern"
          )
        }
        pieces[pieces.count - 1].append(.scalar(escaped))
      default: pieces[pieces.count - 1].append(.scalar(scalar))
      }
    }
  }

  func withoutPrefix(_ value: String, longest: Bool) -> String {
    let text = Array(value.unicodeScalars)
    guard let end = end(in: text, from: 0, longest: longest) else { return value }
    return Self.string(text[end...])
  }

  func withoutSuffix(_ value: String, longest: Bool) -> String {
    var mirrored = self
    mirrored.pieces = pieces.reversed().map { $0.reversed() }
    let text = Array(value.unicodeScalars.reversed())
    guard let end = mirrored.end(in: text, from: 0, longest: longest) else { return value }
    return Self.string(text[end...].reversed())
  }

  /// The value with the first or every longest match replaced; nil when the result outgrows `limit`.
  ///
  /// Here: an empty pattern matches nothing, as in a shell.
  func replacing(in value: String, with replacement: String, all: Bool, limit: ByteCount) -> String? {
    guard pieces.contains(where: { !$0.isEmpty }) || pieces.count > 1 else { return value }
    let text = Array(value.unicodeScalars)
    var result = ""
    var copied = 0
    var start = 0
    while start < text.count {
      guard matches(pieces[0], text, at: start) else {
        start += 1
        continue
      }
      // When the pieces do not fit behind here, they fit behind no later place either.
      guard let end = end(in: text, from: start, longest: true) else { break }
      result += Self.string(text[copied..<start]) + replacement
      if result.utf8.count > limit.bytes { return nil }
      copied = end
      start = max(end, start + 1)
      if !all { break }
    }
    return result + Self.string(text[copied...])
  }

  /// Where a match that begins at `start` ends.
  private func end(in text: Text, from start: Int, longest: Bool) -> Int? {
    guard matches(pieces[0], text, at: start) else { return nil }
    var position = start + pieces[0].count
    for (number, piece) in pieces.enumerated().dropFirst() {
      guard text.count - position >= piece.count else { return nil }
      let places = position...(text.count - piece.count)
      let isLast = number == pieces.count - 1
      let place =
        isLast && longest
        ? places.last { matches(piece, text, at: $0) } : places.first { matches(piece, text, at: $0) }
      guard let place else { return nil }
      position = place + piece.count
    }
    return position
  }

  private func matches(_ piece: [Element], _ text: Text, at start: Int) -> Bool {
    guard text.count - start >= piece.count else { return false }
    for (offset, element) in piece.enumerated() where !element.matches(text[start + offset]) { return false }
    return true
  }

  private static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }
}
