import Builder
import Diagnostics
import Storage
import Synchronization

/// Writes what the builder reports to the build's event list.
package struct EventReporter: BuildReporter {
  let id: BuildID
  let logs: EventLogs
  var tally = StepTally()
  var budget = LogBudget()

  package func report(_ kinds: [BuildEvent.Kind]) throws(Failure) {
    try logs.append(contentsOf: budget.admitted(kinds, size: logs.size(of: id)), to: id)
    tally.count(kinds)
  }
}

/// How many steps of a build came from the cache so far: what a build that fails can say of its cost.
final class StepTally: Sendable {
  private let cached = Mutex(0)

  init() {}

  var cachedSteps: Int { cached.withLock { $0 } }

  func count(_ kinds: [BuildEvent.Kind]) {
    let more = kinds.count { if case .stepFinished(let report) = $0 { report.result == .cached } else { false } }
    if more > 0 { cached.withLock { $0 += more } }
  }
}
