import Diagnostics

/// Where the builder tells what happens; events of one build arrive in order.
package protocol BuildReporter: Sendable {
  /// Takes the events; a failure to keep them ends the build.
  func report(_ kinds: [BuildEvent.Kind]) throws(Failure)
}

extension BuildReporter {
  func report(_ kind: BuildEvent.Kind) throws(Failure) { try report([kind]) }
}
