import Diagnostics
import GRPCCore

/// Runs the body of a stream until it returns or the call is over for another reason: the client left, its
/// deadline passed, or the server drains. Then the body is cancelled.
///
/// gRPC does not cancel the task of a call by itself, so a stream that waits for news would wait for ever.
func endingWithTheCall(_ context: ServerContext, _ body: @escaping @Sendable () async throws -> Void) async throws {
  try await withThrowingTaskGroup(of: Bool.self) { group in
    group.addTask {
      try await body()
      return true
    }
    group.addTask {
      try await context.cancellation.cancelled
      return false
    }
    defer { group.cancelAll() }
    guard try await group.next() == false else { return }
    throw Failure(
      .unavailable,
      reason: "stream-interrupted",
      "the stream ended before its subject did",
      hint: "call again to go on"
    )
  }
}
