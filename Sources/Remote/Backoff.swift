import Diagnostics
import Outbound

/// When a request is tried again, and after how long.
struct Backoff: Sendable {
  let settings: RemoteSettings
  /// Waits; tests count instead.
  let sleep: @Sendable (Duration) async throws(CancellationError) -> Void
  private(set) var tried = 1

  init(settings: RemoteSettings, sleep: @escaping @Sendable (Duration) async throws(CancellationError) -> Void) {
    self.settings = settings
    self.sleep = sleep
  }

  /// Begins to count anew: something was achieved.
  mutating func reset() { tried = 1 }

  /// Waits for the next attempt; false when there is none. `asked` is what the server wants us to wait.
  mutating func again(after asked: Duration? = nil) async throws(Failure) -> Bool {
    guard tried < settings.attempts else { return false }
    let doubled = settings.firstPause * (1 << min(tried - 1, 16))
    let pause = min(settings.longestPause, max(asked ?? .zero, doubled))
    tried += 1
    do { try await sleep(pause) } catch {
      throw Failure(.cancelled, reason: "cancelled", "waiting for a registry was cancelled")
    }
    return true
  }

  /// Whether the same request may succeed a little later.
  static func mayHelp(_ failure: Failure) -> Bool {
    switch failure.reason {
    case "outbound-closed", "outbound-timeout", "outbound-refused", "outbound-unreachable": true
    default: false
    }
  }

  static func mayHelp(status: Int) -> Bool { [408, 429, 500, 502, 503, 504].contains(status) }

  /// `Retry-After` in seconds; its date form is not waited for.
  static func pause(asked answer: OutboundAnswer) -> Duration? {
    answer.header("retry-after").flatMap { Int64($0) }.map { .seconds(max(0, min($0, 3600))) }
  }
}
