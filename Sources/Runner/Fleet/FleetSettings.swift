/// How patient a fleet is, and with what.
package struct FleetSettings: Sendable {
  /// From the command's first moment to the first 2xx of its health path.
  package var startLimit: Duration = .seconds(30)
  /// An answer of 4xx as long as this is taken as the last word: an app that still warms up says 5xx or nothing, while
  /// a health path that is not there would keep its author waiting for the whole start.
  package var refusalLimit: Duration = .seconds(5)

  /// Between two questions of an app that starts: doubled from the first to the longest, since most apps are there
  /// after some milliseconds and a refused connection costs little.
  package var firstPause: Duration = .milliseconds(2)
  package var longestPause: Duration = .milliseconds(50)

  /// Liveness. Delay and timeout are the platform's (contract §1.2); period and count are Kubernetes'.
  package var livenessDelay: Duration = .seconds(2)
  package var livenessPeriod: Duration = .seconds(5)
  package var livenessMisses = 3
  package var probeTimeout: Duration = .seconds(1)

  /// After a failure the next start waits: doubled from the first to the longest.
  package var firstBackoff: Duration = .milliseconds(500)
  package var longestBackoff: Duration = .seconds(30)
  /// A replica that was ready for so long begins the doubling anew.
  package var backoffReset: Duration = .seconds(60)
  /// Calls wait for a start that is no further away, and fail with the reason otherwise.
  package var backoffPatience: Duration = .seconds(2)

  /// A replica that nobody needs ends after: one of several, the last, one that only tests run.
  package var surplusIdle: Duration = .seconds(60)
  package var lastIdle: Duration = .seconds(300)
  package var testIdle: Duration = .seconds(15)

  /// Calls of one app that may wait at once, and how long each does.
  package var waiting = 1000
  package var waitLimit: Duration = .seconds(60)
  /// From the stop signal to SIGKILL.
  package var stopGrace: Duration = .seconds(10)
  /// Where an app sets no bound: beyond as many calls for each replica another is started.
  package var callsPerReplica = 100

  package init() {}
}
