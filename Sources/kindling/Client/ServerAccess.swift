import Diagnostics
import Foundation
import RPC

/// How one command reaches the server: where, as whom, and for how long it waits.
struct ServerAccess: Sendable {
  var endpoint: Endpoint
  var token: String?
  /// What the user allows a call; nil is the command's own choice.
  var timeout: Duration?

  /// Looks everything up; nothing is sent yet.
  static func find(_ options: SharedOptions) async throws(Failure) -> ServerAccess {
    let lookup = ServerLookup.live(ProcessInfo.processInfo.environment)
    let endpoint = try lookup.endpoint(options)
    return ServerAccess(
      endpoint: endpoint,
      token: try await lookup.token(options, for: endpoint),
      timeout: options.timeout?.duration
    )
  }

  /// Calls that answer once: bounded by `--timeout`, else by the contract's five minutes.
  func call<Result: Sendable>(
    _ body: @escaping @Sendable (IgniteClient) async throws -> Result
  ) async throws(Failure) -> Result {
    try await connected(within: timeout ?? SharedOptions.unaryTimeout, body)
  }

  /// Calls that last as long as a build or an upload: bounded by `--timeout` alone.
  func stream<Result: Sendable>(
    _ body: @escaping @Sendable (IgniteClient) async throws -> Result
  ) async throws(Failure) -> Result {
    try await connected(within: timeout, body)
  }

  private func connected<Result: Sendable>(
    within limit: Duration?,
    _ body: @escaping @Sendable (IgniteClient) async throws -> Result
  ) async throws(Failure) -> Result {
    let address = Door.Address(host: endpoint.host, port: endpoint.port)
    let token = token
    return try await Deadline.bounded(limit, what: "the server at \(endpoint)") {
      try await IgniteClient.withConnection(to: address, token: token, body)
    }
  }
}

/// Waiting with an end.
enum Deadline {
  /// Runs `body`, and cancels it and throws `call-timeout` once `limit` has passed; nil waits as long as it takes.
  static func bounded<Result: Sendable>(
    _ limit: Duration?,
    what: String,
    _ body: @escaping @Sendable () async throws -> Result
  ) async throws(Failure) -> Result {
    do {
      guard let limit else { return try await body() }
      return try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask { try await body() }
        group.addTask {
          try await Task.sleep(for: limit)
          return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let result = first else {
          throw Failure(
            .deadlineExceeded,
            reason: "call-timeout",
            "\(what) did not answer within \(limit.components.seconds) s",
            hint: "wait longer with --timeout, or look at it with: kindling status"
          )
        }
        return result
      }
    } catch {
      throw Failure(wrapping: error, while: "the call")
    }
  }
}
