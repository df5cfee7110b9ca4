import Diagnostics
import Storage

/// Letters to an app's author: what its replica did, what it said last and what to change.
extension Failure {
  private static let readTheLog = "read what it wrote with `kindling app logs`"

  /// The replica ended by itself.
  static func ended(_ end: ReplicaEnd, of revision: AppRevision, wasReady: Bool) -> Failure {
    let when = wasReady ? "while it served calls" : "before it was ready"
    let app = revision.app
    let (reason, message, hint) =
      switch end.cause {
      case .exited(let status) where status == 0:
        (
          "app-exited", "app '\(app)' ended by itself with exit status 0 \(when)",
          "the image's command must keep running in the foreground and listen on $PORT"
        )
      case .exited(let status):
        (
          "app-exited", "app '\(app)' ended with exit status \(status) \(when)",
          status == 127 || status == 126
            ? "check the image's ENTRYPOINT and CMD: this status says that the command was not found or cannot be run"
            : "mend what its last lines say, or \(readTheLog)"
        )
      case .signalled(let signal):
        (
          "app-killed", "app '\(app)' was ended by signal \(signal)\(signalName(signal)) \(when)",
          "mend what its last lines say, or \(readTheLog)"
        )
      case .outOfMemory(let limit):
        (
          "app-out-of-memory", "app '\(app)' used more than its \(limit.bytes >> 20) MiB of memory and was killed",
          "let it use less, or give it a larger tier (resource_tier, or limits.memory_mb)"
        )
      case .stopped: ("app-stopped", "app '\(app)' was stopped \(when)", "call it again")
      }
    return Failure(.unavailable, reason: reason, message, hint: hint, lastLines: end.lastLines)
  }

  /// It runs and did not become ready.
  static func notReady(
    _ revision: AppRevision, seen: ProbeAnswer?, after wait: Duration, evidence: ReplicaEvidence
  ) -> Failure {
    let (app, policy) = (revision.app, revision.policy)
    let (port, path) = (policy.ports.first ?? .standard, policy.healthPath)
    let seconds = max(1, wait.components.seconds)
    let (reason, message, hint): (String, String, String)
    switch seen {
    case .refused, nil:
      reason = "app-not-listening"
      let elsewhere = evidence.ports.filter { $0 != port }.map(\.description)
      let found = elsewhere.isEmpty ? "" : ", but something does on port \(elsewhere.joined(separator: ", "))"
      message = "nothing listens on port \(port) of app '\(app)' after \(seconds) s\(found)"
      hint =
        "the app must listen on the port that the variable PORT names, here \(port)"
        + (elsewhere.isEmpty ? ", and begin within that time" : "")
    case .status(let status):
      reason = "app-not-healthy"
      message = "app '\(app)' answered GET \(path) on port \(port) with \(status), for \(seconds) s"
      hint = hintOf(status: status, path: path)
    case .silent:
      reason = "app-silent"
      message = """
        app '\(app)' accepts connections on port \(port) but did not answer GET \(path) within a second, for \(seconds) s
        """
      hint = "answer GET \(path) with 2xx quickly, whatever else the app is doing"
    case .broken(let words):
      reason = "app-not-http"
      message = "app '\(app)' did not answer GET \(path) on port \(port) with HTTP: \(words)"
      hint = "speak plain HTTP/1.1 on the port that the variable PORT names, without TLS"
    }
    return Failure(.unavailable, reason: reason, message, hint: hint, lastLines: evidence.lastLines)
  }

  /// It was ready, and has stopped answering.
  static func notAlive(_ revision: AppRevision, seen: ProbeAnswer, misses: Int, evidence: ReplicaEvidence) -> Failure {
    let (port, path) = (revision.policy.ports.first ?? .standard, revision.policy.healthPath)
    let what =
      switch seen {
      case .refused: "nothing listens there any more"
      case .status(let status): "it answered \(status)"
      case .silent: "it did not answer within a second"
      case .broken(let words): words
      }
    return Failure(
      .unavailable, reason: "app-unhealthy",
      "app '\(revision.app)' failed GET \(path) on port \(port) \(misses) times in a row: \(what)",
      hint: "answer GET \(path) with 2xx within a second also under load; replicas that do not are replaced",
      lastLines: evidence.lastLines)
  }

  /// Nothing is started before the wait after failures is over.
  func untilNextStart(in wait: Duration) -> Failure {
    var failure = self
    let seconds = (Double(wait.components.seconds) + Double(wait.components.attoseconds) / 1e18).rounded(.up)
    failure.hint = (hint.map { $0 + "; " } ?? "") + "the next start is tried in \(Int(seconds)) s"
    return failure
  }

  static func stillStarting(_ revision: AppRevision, after wait: Duration) -> Failure {
    Failure(
      .unavailable, reason: "app-starting",
      "app '\(revision.app)' has no ready replica after \(wait.components.seconds) s; one is still being started",
      hint: "call again in a moment; `kindling app state` shows how far it is")
  }

  static func allBusy(_ revision: AppRevision, replicas: Int, after wait: Duration) -> Failure {
    Failure(
      .resourceExhausted, reason: "app-busy",
      """
      the \(replicas) replicas of app '\(revision.app)' had no room for this call for \(wait.components.seconds) s; \
      each takes \(revision.policy.maximumConcurrency) at once
      """,
      hint: "call less often, let each replica take more (max_concurrency), or allow more of them (max_replicas)")
  }

  static func tooManyWait(_ revision: AppRevision, limit: Int) -> Failure {
    Failure(
      .resourceExhausted, reason: "app-queue-full", "\(limit) calls of app '\(revision.app)' wait already",
      hint: "call again in a moment, or let it take more (max_concurrency, max_replicas)")
  }

  static func superseded(_ revision: AppRevision, by newer: AppRevision) -> Failure {
    let (old, new) = (revision.version, newer.version)
    let other = old == new ? "a newer configuration" : "version \(new)"
    return Failure(
      .aborted, reason: "activation-superseded",
      "version \(old) of app '\(revision.app)' was replaced by \(other) before it was ready")
  }

  static func replacedMeanwhile(_ app: AppID, by version: AppVersion) -> Failure {
    Failure(
      .unavailable, reason: "revision-replaced",
      "version \(version) of app '\(app)' became active while this call waited for another version", hint: "call again")
  }

  static func removed(_ app: AppID) -> Failure {
    Failure(.notFound, reason: "app-unknown", "app '\(app)' was deleted")
  }

  static let fleetStopping = Failure(
    .unavailable, reason: "server-stopping", "the server is stopping and starts no apps",
    hint: "call again when it is back")

  static func noLongerWaiting(_ app: AppID) -> Failure {
    Failure(.cancelled, reason: "cancelled", "the call of app '\(app)' was cancelled while it waited for a replica")
  }

  private init(_ code: Code, reason: String, _ message: String, hint: String, lastLines: [String]) {
    let lines = lastLines.suffix(10).map { "  " + $0 }
    self.init(
      code, reason: reason, message, hint: hint,
      cause: lines.isEmpty ? nil : "the last it wrote:\n" + lines.joined(separator: "\n"))
  }

  private static func hintOf(status: Int, path: String) -> String {
    switch status {
    case 404 where path == AppPolicy().healthPath:
      "answer GET \(path) with 2xx, or name the path that does with health_path (`--health-path`); \(path) is the default"
    case 404: "answer GET \(path) with 2xx, or set health_path (`--health-path`) to a path that does"
    case 300..<400: "answer GET \(path) itself with 2xx; redirects are not followed"
    case 401, 403: "let GET \(path) through without credentials; health checks have none"
    case 500...: "answer GET \(path) with 2xx as soon as the app can take calls; look for its error in the log"
    default: "answer GET \(path) with 2xx, or set health_path (`--health-path`) to a path that does"
    }
  }

  private static func signalName(_ number: Int) -> String {
    let names = [
      4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 9: "SIGKILL", 11: "SIGSEGV", 13: "SIGPIPE",
      15: "SIGTERM", 31: "SIGSYS",
    ]
    guard let name = names[number] else { return "" }
    return number == 31 ? " (\(name): a system call that apps may not make)" : " (\(name))"
  }
}
