/// How a build's progress is shown; always on standard error, so that standard output holds exactly the result.
package enum ProgressMode: String, Sendable, CaseIterable {
  /// `tty` on a terminal, else `plain`.
  case auto
  /// Redrawn in place.
  case tty
  /// One line after the other, nothing redrawn.
  case plain
  /// The events themselves, one JSON object a line.
  case json
  /// Nothing but failures.
  case quiet

  /// What `auto` means here.
  package func resolved(isTTY: Bool, environment: [String: String]) -> ProgressMode {
    guard self == .auto else { return self }
    return isTTY && environment["TERM"] != "dumb" ? .tty : .plain
  }
}
