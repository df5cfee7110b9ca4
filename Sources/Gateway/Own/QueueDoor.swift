import Diagnostics
import FoundationEssentials
import HTTPTypes
import HummingbirdCore
import NIOCore
import Service
import Storage

/// `/_kindling/queue`: what runs and waits, and `PUT {"workers":N,"paused":BOOL}` to change that.
struct QueueDoor: Sendable {
  let builds: BuildService
  /// Whose the queue is on a server that others reach; nil on loopback, where everybody with a token may change it.
  let owner: OrganizationName?

  func respond(to call: Call, as caller: Identity) async throws(Failure) -> Response {
    if call.method == .put {
      try await builds.changeQueue(try await change(in: call, by: caller))
    } else if !call.isReading {
      return .methodNotAllowed(call, allowed: [.get, .put])
    }
    if call.isReading, let id = call.query["build"] {
      return .json(Build(try await builds.queuedBuild(id, as: caller)))
    }
    try caller.require(.listBuilds)
    return .json(Document(await builds.queue(as: caller)))
  }

  private func change(in call: Call, by caller: Identity) async throws(Failure) -> QueueChange {
    // Who may stop a build may stop those to come.
    try caller.require(.cancelBuild)
    if let owner, caller.organization != owner {
      throw Failure(
        .permissionDenied, reason: "queue-not-yours",
        "the queue of a server that others reach is changed by organisation '\(owner)' alone",
        hint: "use a token of '\(owner)': kindling token --org \(owner)")
    }
    let body = try await BodyReader.collect(call.request, limit: 1 << 16)
    guard let body, let order = try? JSONDecoder().decode(Order.self, from: Data(body.readableBytesView)) else {
      throw Failure(
        .invalidArgument, reason: "queue-change-invalid", "the body is no change of the queue",
        hint: #"send {"workers": 4}, {"paused": true} or both, and nothing else"#)
    }
    return QueueChange(workers: order.workers, isPaused: order.paused)
  }

  private struct Order: Decodable {
    var workers: Int?
    var paused: Bool?

    private enum Key: String, CodingKey, CaseIterable { case workers, paused }
    private struct AnyKey: CodingKey {
      var stringValue: String
      var intValue: Int? { nil }
      init(stringValue: String) { self.stringValue = stringValue }
      init?(intValue: Int) { nil }
    }

    /// A misspelt member must not be taken for "leave it as it is".
    init(from decoder: any Decoder) throws {
      let all = try decoder.container(keyedBy: AnyKey.self)
      if let odd = all.allKeys.first(where: { Key(rawValue: $0.stringValue) == nil }) {
        throw DecodingError.dataCorruptedError(forKey: odd, in: all, debugDescription: "unknown member")
      }
      let container = try decoder.container(keyedBy: Key.self)
      workers = try container.decodeIfPresent(Int.self, forKey: .workers)
      paused = try container.decodeIfPresent(Bool.self, forKey: .paused)
      guard workers != nil || paused != nil else {
        throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "nothing to change"))
      }
    }
  }

  private struct Document: Encodable {
    var workers: Int
    /// Of all organisations.
    var running: Int
    var waiting: Int
    var paused: Bool
    var pausedSinceMs: Int64?
    /// Why no build can run on this machine.
    var unavailable: String?
    /// Of the caller's own.
    var ownRunning: Int
    var ownWaiting: Int
    var builds: [Build]

    init(_ view: QueueView) {
      workers = view.status.workers
      running = view.status.running
      waiting = view.status.waiting
      paused = view.status.pausedAt != nil
      pausedSinceMs = view.status.pausedAt?.milliseconds
      unavailable = view.status.obstacle
      ownRunning = view.ownRunning
      ownWaiting = view.ownWaiting
      builds = view.builds.map(Build.init)
    }
  }

  private struct Build: Encodable {
    var buildId: String
    var name: String
    var status: String
    var createdAtMs: Int64
    /// In the line, from 1; none once it runs.
    var position: Int?
    var reason: String?

    init(_ build: QueuedBuild) {
      buildId = build.record.id.text
      name = build.record.name
      status = "BUILD_STATUS_" + build.record.status.rawValue.uppercased()
      createdAtMs = build.record.createdAt.milliseconds
      position = build.wait?.position
      reason = build.wait?.text
    }
  }
}
