import Diagnostics

/// How far a stream was read, over as many connections as it takes.
struct StreamPosition: Sendable {
  /// The number of the last line or event that came; nil before there was one.
  var last: Int?
  var isOver = false

  /// Pauses before another attempt; as many attempts in a row that bring nothing as there are pauses.
  private static let pauses: [Duration] = [
    .milliseconds(200), .milliseconds(500), .seconds(1), .seconds(2), .seconds(3),
  ]

  /// Calls `read` until it says that the stream is over. It is called again where a connection broke or the server went
  /// away, and goes on after `last`.
  static func follow(
    _ what: String, of buildID: String, _ read: (inout StreamPosition) async throws -> Void
  ) async throws {
    var position = StreamPosition()
    var attempt = 0
    while true {
      let before = position.last
      do {
        try await read(&position)
        if position.isOver { return }
      } catch let failure as Failure where failure.code != .unavailable { throw failure } catch {
        if attempt >= pauses.count { throw error }
      }
      attempt = position.last != before ? 0 : attempt + 1
      guard attempt <= pauses.count else {
        throw Failure(
          .unavailable,
          reason: "stream-broken",
          "\(what) of '\(buildID)' end before the build does",
          hint: "look again with: kindling build get \(buildID)"
        )
      }
      try await Task.sleep(for: pauses[max(0, attempt - 1)])
    }
  }
}
