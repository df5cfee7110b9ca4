import Logging
import Service
import ServiceLifecycle

/// Sweeps expired contexts at the start and once an hour, beside the serving.
struct ContextSweep: ServiceLifecycle.Service {
  /// Of the rooms that serve at the moment.
  let expiry: @Sendable () -> ContextExpiry?
  let logger: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown {
      repeat {
        do { try expiry()?.sweep() } catch { logger.warning("contexts were not swept: \(error)") }
      } while await isTimeAgain()
    }
  }

  /// False when the house stops before the hour is over.
  private func isTimeAgain() async -> Bool {
    do { try await Task.sleep(for: .seconds(3600)) } catch { return false }
    return true
  }
}
