import Diagnostics
import Storage
import Synchronization

/// Keeps what RUN steps print from filling the disk: beyond the limit their output is dropped, which is said once, and
/// everything else of the build is kept.
final class LogBudget: Sendable {
  private let limit: ByteCount
  private let isOver = Mutex(false)

  init(limit: ByteCount = BuildQueue.usualLogLimit) { self.limit = limit }

  /// What of `kinds` is written to a log that has `size` bytes.
  func admitted(_ kinds: [BuildEvent.Kind], size: ByteCount) -> [BuildEvent.Kind] {
    guard size.bytes >= limit.bytes else { return kinds }
    let others = kinds.filter { if case .output = $0 { false } else { true } }
    guard others.count < kinds.count else { return kinds }
    let isFirst = isOver.withLock { isOver in
      defer { isOver = true }
      return !isOver
    }
    guard isFirst else { return others }
    return others + [
      .warning(
        "the log has reached \(limit), so that nothing more of what RUN steps print is kept; "
          + "the build goes on (kindling start --log-limit)",
        source: nil)
    ]
  }
}
