import Diagnostics

/// Asks replicas how they are.
package protocol ReplicaProbe: Sendable {
  /// GET `path` at the replica's `port`. Answers within about `timeout`, whatever the app does.
  func ask(_ replica: any Replica, port: AppPort, path: String, timeout: Duration) async -> ProbeAnswer
}

/// What came of asking.
package enum ProbeAnswer: Sendable, Hashable {
  case status(Int)
  /// Nothing listens there.
  case refused
  /// Connected, or about to be, and no answer in time.
  case silent
  /// An answer that is not HTTP, or none before the connection's end; what it was instead.
  case broken(String)

  var isSuccess: Bool {
    guard case .status(let status) = self else { return false }
    return (200...299).contains(status)
  }

  /// Says that the app is there and has another opinion about its paths.
  var isRefusal: Bool {
    guard case .status(let status) = self else { return false }
    return (300...499).contains(status) && status != 408 && status != 425 && status != 429
  }

  var isAnswer: Bool {
    guard case .status = self else { return false }
    return true
  }
}
