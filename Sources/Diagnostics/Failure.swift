/// A letter to the person who must fix it: the one error currency of the house.
///
/// Order of reading: `message` (what failed), `source` (where), `cause` (the evidence), `hint` (what to do next).
/// Messages are lower case, subject first, with the offending value in quotes. A user's command that exits
/// non-zero is a result of a build step, and becomes a `Failure` only as the reason of a FAILED build.
package struct Failure: Error, Sendable, Hashable, Codable {
  /// What kind of failure it is; decides HTTP status, gRPC status and exit status.
  package var code: Code
  /// A stable, searchable word for the failure, such as `dockerfile-syntax`; tests and scripts match on it.
  package var reason: String
  /// One sentence: what failed, with the offending value in quotes.
  package var message: String
  /// Where in the user's own text it happened.
  package var source: SourceExcerpt?
  /// The next thing to do, as a command where there is one.
  package var hint: String?
  /// What lay beneath, in its own words.
  package var cause: String?
  /// The exit status of the user's command whose failing this is; 128 and the signal's number when one ended it.
  package var commandStatus: Int32?

  package init(
    _ code: Code,
    reason: String,
    _ message: String,
    source: SourceExcerpt? = nil,
    hint: String? = nil,
    cause: String? = nil
  ) {
    self.code = code
    self.reason = reason
    self.message = message
    self.source = source
    self.hint = hint
    self.cause = cause
  }

  /// Wraps whatever was thrown below a border: a `Failure` passes unchanged, anything else is our own bug.
  package init(wrapping error: any Error, reason: String = "internal", while doing: String) {
    if let failure = error as? Failure {
      self = failure
    } else if error is CancellationError {
      self.init(.cancelled, reason: "cancelled", "\(doing) was cancelled")
    } else {
      self.init(.internal, reason: reason, "\(doing) failed", cause: String(describing: error))
    }
  }
}

extension Failure: CustomStringConvertible {
  /// The whole letter as plain text: what, where, evidence, what to do.
  package var description: String {
    var text = message
    if let source { text += "\n\n" + source.text }
    if let cause { text += "\n\n" + cause }
    if let hint { text += "\n\nhint: " + hint }
    return text
  }

  /// What, cause and hint in one line, for records and wire fields without room for an excerpt.
  package var oneLine: String {
    var text = message
    if let source { text += " (\(source.file):\(source.firstLine))" }
    if let cause { text += ": " + cause }
    if let hint { text += "; " + hint }
    return text.replacing("\n", with: " ")
  }
}
