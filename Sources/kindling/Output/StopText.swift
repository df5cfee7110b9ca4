import Service

/// What the terminal says while the server stops, and when it has.
enum StopText {
  /// Names at most three of the builds.
  static func waiting(for builds: [String], upTo grace: TimeSpan) -> String {
    let named = builds.prefix(3).joined(separator: ", ")
    let more = builds.count > 3 ? " and \(builds.count - 3) more" : ""
    return "waiting up to \(grace.defaultValueDescription) for \(named)\(more); Ctrl-C again to stop now"
  }

  static func stopped(_ left: StopReport) -> String {
    var parts = ["stopped cleanly"]
    if left.interrupted > 0 { parts.append("\(builds(left.interrupted)) interrupted") }
    if left.waiting > 0 { parts.append("\(builds(left.waiting)) will run at the next start") }
    return parts.joined(separator: "; ")
  }

  private static func builds(_ count: Int) -> String { count == 1 ? "1 build" : "\(count) builds" }
}
