import Diagnostics
import Synchronization

/// Ends an upload whose client has stopped sending but not gone: it holds a file, and a place of its organisation.
final class UploadPatience: Sendable {
  private let limit: Duration
  private let last = Mutex(ContinuousClock.now)

  init(_ limit: Duration) { self.limit = limit }

  /// Something came.
  func renew() { last.withLock { $0 = .now } }

  /// Runs `body` while something comes within the limit again and again.
  func during<Answer: Sendable>(_ body: @escaping @Sendable () async throws -> Answer) async throws -> Answer {
    try await withThrowingTaskGroup(of: Answer.self) { group in
      group.addTask { try await body() }
      group.addTask { try await self.run() }
      defer { group.cancelAll() }
      guard let answer = try await group.next() else { throw CancellationError() }
      return answer
    }
  }

  private func run() async throws -> Never {
    while true {
      let end = last.withLock { $0 } + limit
      guard end > .now else {
        throw Failure(
          .deadlineExceeded, reason: "upload-idle", "the upload brought nothing for \(limit.components.seconds) s",
          hint: "send it again, without long pauses")
      }
      try await Task.sleep(until: end)
    }
  }
}
