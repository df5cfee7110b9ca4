import Diagnostics
import Storage

/// Writes to waiting builds' events why they wait: at first, when the cause changes, and when much fewer go before.
///
/// A thousand waiting builds would otherwise be told a thousand times each that one less is before them.
struct WaitAnnouncer: Sendable {
  /// Lines for one build, whatever happens.
  private static let most = 40
  /// Below this every step forward is told.
  private static let near = 3

  private struct Told {
    var last: QueueWait
    var count: Int
  }

  private var told: [BuildID: Told] = [:]

  /// Writes the event if it is news. One that cannot be written is not missed.
  mutating func tell(_ record: BuildRecord, _ wait: QueueWait, in events: EventLogs) {
    let count = told[record.id]?.count ?? 0
    guard count < Self.most, isNews(wait, after: told[record.id]?.last) else { return }
    guard (try? events.append(.waiting(wait), to: record.id)) != nil else { return }
    told[record.id] = Told(last: wait, count: count + 1)
  }

  mutating func forget(_ id: BuildID) { told[id] = nil }

  private func isNews(_ wait: QueueWait, after last: QueueWait?) -> Bool {
    guard let last else { return true }
    if wait.pausedAt != last.pausedAt || wait.obstacle != last.obstacle || wait.workers != last.workers { return true }
    guard wait.ahead < last.ahead else { return wait.ahead > 2 * last.ahead + Self.near }
    return wait.ahead <= Self.near || wait.ahead <= last.ahead / 2
  }
}
