import Diagnostics
import Dispatch

/// Where builds and imports run: threads that may block on disk, hash and wait, so that the doors' threads never do.
///
/// Swift's own pool has one thread for each core; two builds writing layers would silence the server.
package final class BuildThreads: TaskExecutor {
  private let queue = DispatchQueue(label: "kindling.builds", attributes: .concurrent)

  package init() {}

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }

  /// Runs `work` here, with the caller's cancellation and a typed error.
  package func run<Value: Sendable>(
    _ work: @escaping @Sendable () async throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    let result: Result<Value, Failure> = await withTaskExecutorPreference(self) {
      do throws(Failure) { return .success(try await work()) } catch { return .failure(error) }
    }
    return try result.get()
  }
}
