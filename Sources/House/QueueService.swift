import Service
import ServiceLifecycle

/// Stops the queue when the house stops: running builds are interrupted, waiting ones stay for the next start.
struct QueueService: ServiceLifecycle.Service {
  let queue: BuildQueue

  func run() async throws {
    try? await gracefulShutdown()
    let impatient = ImpatientStop()
    await queue.stop()
    withExtendedLifetime(impatient) {}
  }
}
