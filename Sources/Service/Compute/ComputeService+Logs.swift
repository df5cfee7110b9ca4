import Diagnostics
import Runner
import Storage

extension ComputeService {
  private static let defaultLines = 1000
  private static let mostLines = 10_000
  /// What of a build's log GetBuildLog gives in one message.
  private static let buildLogLimit = 16 << 20

  /// The last lines that the app's replicas wrote, oldest first.
  package func logs(
    _ organization: String, _ name: String, limit: Int, replica: String, as caller: Identity
  ) async throws(Failure) -> [AppLogLine] {
    let (id, replica) = try logSource(organization, name, replica, caller)
    return lines(of: id, replica, limit)
  }

  /// The last lines, and those to come.
  package func followLogs(
    _ organization: String, _ name: String, limit: Int, replica: String, as caller: Identity
  ) async throws(Failure) -> AsyncStream<AppLogLine> {
    let (id, replica) = try logSource(organization, name, replica, caller)
    // Followed before it is read, so that no line is between; those that are in both are told once.
    let coming = fleet.followLogs(of: id)
    let past = lines(of: id, replica, limit)
    return AsyncStream(bufferingPolicy: .bufferingNewest(8192)) { continuation in
      let task = Task {
        var told: [AppLogLine: Int] = [:]
        for line in past {
          continuation.yield(line)
          told[line, default: 0] += 1
        }
        for await line in coming where replica.map({ $0 == line.replica }) != false {
          if let count = told[line] {
            told[line] = count > 1 ? count - 1 : nil
            continue
          }
          continuation.yield(line)
        }
        continuation.finish()
      }
      continuation.onTermination = { _ in task.cancel() }
    }
  }

  /// The whole log of a build that the app's code was compiled by; a compile's own log by its deploy id.
  package func buildLog(
    _ organization: String, _ name: String, _ build: String, as caller: Identity
  ) async throws(Failure) -> String {
    try caller.require(.getApp)
    let app = try record(try app(organization, name, of: caller)).id
    let events: EventSequence
    if let id = BuildID(build), let row = try data.ledger.build(id, of: app.organization), row.name == app.name.name {
      events = try data.events.events(of: row.id, follow: false)
    } else if let id = DeployID(build), let row = try data.ledger.compile(id, of: app.organization), row.app == app {
      events = try data.events.events(of: row.id, follow: false)
    } else {
      throw Failure(
        .notFound, reason: "build-unknown", "app '\(app)' has no build '\(Shown.text(build))'",
        hint: "the log of a compile names its build; all builds are listed by: kindling build list")
    }
    var text = ""
    for try await batch in LogSequence(events: events) {
      for line in batch.lines {
        text += line.text + "\n"
        guard text.utf8.count <= Self.buildLogLimit else {
          return text + "… the log goes on; read all of it with: kindling build logs \(build)\n"
        }
      }
    }
    return text
  }

  private func logSource(
    _ organization: String, _ name: String, _ replica: String, _ caller: Identity
  ) throws(Failure) -> (AppID, ReplicaID?) {
    try caller.require(.getApp)
    let id = try record(try app(organization, name, of: caller)).id
    guard !replica.isEmpty else { return (id, nil) }
    guard let known = ReplicaID(replica) else {
      throw Failure(
        .invalidArgument, reason: "replica-invalid", "replica_id '\(Shown.text(replica))' is not one",
        hint: "take it from a line of the log, or leave it out for all")
    }
    return (id, known)
  }

  private func lines(of id: AppID, _ replica: ReplicaID?, _ limit: Int) -> [AppLogLine] {
    let count = limit <= 0 ? Self.defaultLines : min(limit, Self.mostLines)
    let lines = fleet.logs(of: id).flatMap { $0.last(count) }
      .filter { line in replica.map { $0 == line.replica } != false }
    // Lines of one replica stay in their order, also where its clock did not move between them.
    let sorted = lines.enumerated().sorted { ($0.element.moment, $0.offset) < ($1.element.moment, $1.offset) }
    return sorted.suffix(count).map(\.element)
  }
}
