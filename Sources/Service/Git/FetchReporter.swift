import Diagnostics
import Git
import Storage
import Synchronization

/// Turns a fetch's progress into a build's events: numbers at most once a second, and the remote's own finished lines.
final class FetchReporter: Sendable {
  private static let intervalMilliseconds: Int64 = 1000
  /// Of the remote's lines; what it says beyond is dropped, since a hostile one need not end.
  private static let mostLines = 20
  private static let longestLine = 200

  private struct State {
    var reportedAt: Int64?
    var lines = 0
  }

  private let reporter: EventReporter
  private let redaction: Redaction
  private let clock: WallClock
  private let begun: Timestamp
  private let state = Mutex(State())

  init(_ reporter: EventReporter, redaction: Redaction, clock: WallClock) {
    self.reporter = reporter
    self.redaction = redaction
    self.clock = clock
    begun = clock.now()
  }

  func report(_ progress: GitProgress) throws(Failure) {
    let elapsed = max(0, clock.now().milliseconds - begun.milliseconds)
    if let line = progress.remote { return try report(line) }
    // A fetch that has not begun to bring objects has nothing to tell.
    guard progress.objects > 0 || progress.totalObjects > 0 else { return }
    let isDue = state.withLock { state in
      if let last = state.reportedAt, elapsed - last < Self.intervalMilliseconds { return false }
      state.reportedAt = elapsed
      return true
    }
    guard isDue else { return }
    try reporter.report([
      .fetch(
        BuildEvent.FetchProgress(
          objects: progress.objects, totalObjects: progress.totalObjects, size: progress.bytes,
          durationMilliseconds: elapsed))
    ])
  }

  private func report(_ line: String) throws(Failure) {
    // A percentage is drawn over by the next one; only the last stays on a terminal.
    guard !line.contains("%") || line.hasSuffix("done.") else { return }
    let isWanted = state.withLock { state in
      state.lines += 1
      return state.lines <= Self.mostLines
    }
    guard isWanted else { return }
    let plain = redaction.text(line).unicodeScalars.filter { $0.value >= 0x20 && !(0x7f...0x9f).contains($0.value) }
    let text = String(String.UnicodeScalarView(plain).prefix(Self.longestLine))
    if !text.isEmpty { try reporter.report([.note("remote: \(text)")]) }
  }

  /// How long the fetch has taken until now.
  var elapsedMilliseconds: Int64 { max(0, clock.now().milliseconds - begun.milliseconds) }
}
