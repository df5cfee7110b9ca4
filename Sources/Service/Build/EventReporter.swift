import Builder
import Diagnostics
import Storage

/// Writes what the builder reports to the build's event list.
package struct EventReporter: BuildReporter {
  let id: BuildID
  let logs: EventLogs
  /// Begun before tags move.
  var publication = Publication()

  package func report(_ kinds: [BuildEvent.Kind]) throws(Failure) { try logs.append(contentsOf: kinds, to: id) }
}
