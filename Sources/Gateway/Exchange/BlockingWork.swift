import Diagnostics
import NIOPosix

/// Runs work that waits for the disk on NIO's blocking threads.
///
/// Handlers run on the cooperative threads, which are as many as cores: two fsyncs there would stop every request.
enum BlockingWork {
  static func run<Value: Sendable>(
    _ work: @escaping @Sendable () throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    let result: Result<Value, Failure>
    do {
      result = try await NIOThreadPool.singleton.runIfActive { Result(catching: work) }
    } catch {
      throw Failure(.unavailable, reason: "stopping", "the server is stopping")
    }
    return try result.get()
  }
}
