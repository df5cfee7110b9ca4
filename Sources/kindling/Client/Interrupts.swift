import ArgumentParser
import Dispatch
import Foundation

/// Ctrl-C as something to wait for, instead of the end of the process.
enum Interrupts {
  /// Elements are interrupts; the default meaning comes back when the reader stops.
  static func stream() -> AsyncStream<Void> {
    AsyncStream { continuation in
      signal(SIGINT, SIG_IGN)
      // Sources are safe to use from any thread; the type does not say so.
      nonisolated(unsafe) let source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
      source.setEventHandler { continuation.yield() }
      source.setCancelHandler { signal(SIGINT, SIG_DFL) }
      continuation.onTermination = { _ in source.cancel() }
      source.resume()
    }
  }

  /// Runs `work` and cancels it at Ctrl-C; once it has let go, the exit status of an interrupt is thrown.
  static func stopping<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
      group.addTask { try await work() }
      group.addTask {
        for await _ in stream() { break }
        return nil
      }
      defer { group.cancelAll() }
      if let value = try await group.next() ?? nil { return value }
      group.cancelAll()
      // What the work says about being cancelled is known already.
      _ = try? await group.next()
      throw ExitCode(exitStatus)
    }
  }

  /// The exit status of a process that an interrupt ended.
  static let exitStatus: Int32 = 130
}
