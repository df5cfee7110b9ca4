import Diagnostics
import Storage
import Synchronization

/// The queue in numbers: what everybody may know of it.
package struct QueueStatus: Sendable, Hashable {
  package var workers: Int
  package var running = 0
  package var waiting = 0
  /// Since when nothing new begins, because somebody paused the queue.
  package var pausedAt: Timestamp?
  /// Whether waiting builds begin at all: from the moment the server answers.
  package var isOpen = false
  package var isStopping = false
  /// What keeps builds from running on this machine; the queue never opens then.
  package var obstacle: String?

  /// For people: `2 of 2 workers busy, 5 builds wait`.
  package var text: String {
    let builds = waiting == 1 ? "1 build waits" : "\(waiting) builds wait"
    let busy = "\(running) of \(workers) \(workers == 1 ? "worker" : "workers") busy"
    var text = "\(busy), \(waiting == 0 ? "no build waits" : builds)"
    if let obstacle { return "closed: \(obstacle)" }
    if let pausedAt { text = "paused since \(pausedAt.clockText); " + text }
    if isStopping { text = "stopping; " + text }
    return text
  }
}

/// The queue's latest numbers, to be read without waiting for it.
package final class QueueGauge: Sendable {
  private let state: Mutex<QueueStatus>

  init(_ status: QueueStatus) { state = Mutex(status) }

  package var status: QueueStatus { state.withLock { $0 } }

  func set(_ status: QueueStatus) { state.withLock { $0 = status } }
}

/// A build that has not ended, as the queue knows it.
package struct QueuedBuild: Sendable {
  package var record: BuildRecord
  /// Nil for one that runs.
  package var wait: QueueWait?
}

/// The queue as one organisation sees it: its own builds, and of others only how many they are.
package struct QueueView: Sendable {
  package var status: QueueStatus
  /// Running ones first, then in the order in which they go; at most `QueueView.most`.
  package var builds: [QueuedBuild]
  /// How many builds of the organisation run and wait.
  package var ownRunning: Int
  package var ownWaiting: Int

  /// Builds in one view.
  package static let most = 200
}

/// What somebody wants of the queue; nil leaves it as it is.
package struct QueueChange: Sendable, Hashable {
  package var workers: Int?
  package var isPaused: Bool?
  package init(workers: Int? = nil, isPaused: Bool? = nil) {
    self.workers = workers
    self.isPaused = isPaused
  }
}

/// What a stop left.
package struct StopReport: Sendable, Hashable {
  /// Builds that ran and are FAILED as interrupted.
  package var interrupted = 0
  /// Builds that run at the next start.
  package var waiting = 0

  package init(interrupted: Int = 0, waiting: Int = 0) {
    self.interrupted = interrupted
    self.waiting = waiting
  }
}
