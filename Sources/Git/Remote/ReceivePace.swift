import Diagnostics

/// Judges whether an answer comes fast enough; the moments are handed in.
///
/// Silence is the connection's business. This is about servers that are never silent and never done.
struct ReceivePace {
  private let limits: GitLimits
  private let start: ContinuousClock.Instant
  private var windowStart: ContinuousClock.Instant?
  private var windowBytes: Int64 = 0

  init(limits: GitLimits, start: ContinuousClock.Instant) {
    self.limits = limits
    self.start = start
  }

  /// Notes bytes of content that came, 0 where only a sign of life did; throws `git-stalled`.
  mutating func record(_ bytes: Int, at now: ContinuousClock.Instant) throws(Failure) {
    guard let opened = windowStart else {
      if bytes > 0 {
        windowStart = now
      } else if now - start > limits.packStartTimeout {
        throw .gitStalled("nothing was sent within \(limits.packStartTimeout)", limit: "pack-start-timeout")
      }
      return
    }
    windowBytes += Int64(bytes)
    let elapsed = now - opened
    guard elapsed >= limits.paceWindow else { return }
    if Double(windowBytes) < Double(limits.slowestPace.bytes) * (elapsed / .seconds(1)) {
      throw .gitStalled(
        "\(ByteCount(windowBytes)) came in \(elapsed.components.seconds) s", limit: "slowest-pace")
    }
    windowStart = now
    windowBytes = 0
  }
}
