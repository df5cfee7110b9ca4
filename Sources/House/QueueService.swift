import Service
import ServiceLifecycle
import Storage
import Synchronization

/// Stops the queue when the house stops: running builds have a while to end and are interrupted then, waiting ones stay
/// for the next start.
final class QueueService: ServiceLifecycle.Service {
  private let queue: @Sendable () -> BuildQueue?
  private let logs: @Sendable () -> EventLogs?
  private let grace: Duration
  private let onWait: @Sendable ([BuildRecord]) -> Void
  private let stopped = Mutex(StopReport())

  /// `onWait` is called with the builds that the stop waits for.
  init(
    queue: @escaping @Sendable () -> BuildQueue?, logs: @escaping @Sendable () -> EventLogs?, grace: Duration,
    onWait: @escaping @Sendable ([BuildRecord]) -> Void
  ) {
    self.queue = queue
    self.logs = logs
    self.grace = grace
    self.onWait = onWait
  }

  /// What the stop left.
  var report: StopReport { stopped.withLock { $0 } }

  func run() async throws {
    try? await gracefulShutdown()
    let impatient = ImpatientStop()
    if let report = await queue()?.stop(grace: grace, tell: onWait) { stopped.withLock { $0 = report } }
    // Those that ran have their end by now; waiting ones will say nothing more.
    logs()?.interruptFollowers()
    withExtendedLifetime(impatient) {}
  }
}
