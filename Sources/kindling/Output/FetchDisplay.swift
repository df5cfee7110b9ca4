import Diagnostics
import Foundation
import Git
import Synchronization
import Terminal

/// The one line on a terminal that says how far a fetch is; nothing where standard error is no terminal.
final class FetchDisplay: Sendable {
  private static let interval = Duration.milliseconds(100)

  private let isShown: Bool
  private let began = ContinuousClock.now
  private let drawn = Mutex<ContinuousClock.Instant?>(nil)

  init(isSilent: Bool) { isShown = !isSilent && Console.standardError.isTTY }

  func show(_ progress: GitProgress) {
    guard isShown, progress.remote == nil else { return }
    let now = ContinuousClock.now
    let isDue = drawn.withLock { last in
      if let last, last.duration(to: now) < Self.interval { return false }
      last = now
      return true
    }
    guard isDue else { return }
    let summary = BuildEvent.FetchProgress(
      objects: progress.objects, totalObjects: progress.totalObjects, size: progress.bytes,
      durationMilliseconds: Int64(began.duration(to: now) / .milliseconds(1)))
    Console.standardError.write("\r\u{1B}[K\(summary.text)")
  }

  /// Takes the line away.
  func clear() {
    if drawn.withLock({ $0 }) != nil { Console.standardError.write("\r\u{1B}[K") }
  }
}
