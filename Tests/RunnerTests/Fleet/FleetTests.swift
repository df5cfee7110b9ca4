import Diagnostics
import Storage
import Synchronization
import Testing

@testable import Runner

@Suite("The fleet") struct FleetTests {
  private let clock = HandClock()
  private let probe = PlayedProbe()
  private let starter = PlayedStarter()
  private let source = PlayedSource()
  private var fleet: Fleet { made }
  private let made: Fleet

  init() { made = Fleet(starter: starter, source: source, probe: probe, clock: clock) }

  private static let app = FleetStage.app

  /// What callers may expect.
  private final class Published: Sendable {
    private let state = Mutex<(newest: UInt32, isOver: Bool)>((1, false))
    var newest: UInt32 { state.withLock { $0.newest } }
    var isOver: Bool { state.withLock { $0.isOver } }
    func set(_ version: UInt32) { state.withLock { $0.newest = version } }
    func finish() { state.withLock { $0.isOver = true } }
  }

  private func next() async throws -> PlayedReplica {
    var replicas = starter.replicas.makeAsyncIterator()
    return try #require(await replicas.next())
  }

  @Test("a hundred calls at once start one replica") func joint() async throws {
    let fleet = fleet
    let replicas = try await withThrowingTaskGroup(of: ReplicaID.self) { group in
      for _ in 0..<100 {
        group.addTask {
          let admission = try await fleet.admit(Self.app)
          defer { admission.end() }
          return admission.replica.id
        }
      }
      return try await group.reduce(into: Set()) { $0.insert($1) }
    }
    #expect(replicas.count == 1)
    #expect(starter.started == 1)
    #expect(fleet.status(of: Self.app).replicas.map(\.calls) == [0])
  }

  @Test("a warm replica is there at once, and its calls are counted to the last reference") func warm() async throws {
    #expect(fleet.admitNow(Self.app) == nil)
    let first = try await fleet.admit(Self.app)
    var second = fleet.admitNow(Self.app)
    #expect(second != nil)
    #expect(fleet.status(of: Self.app).replicas.map(\.calls) == [2])
    first.end()
    first.end()
    #expect(fleet.status(of: Self.app).replicas.map(\.calls) == [1])
    second = nil
    #expect(fleet.status(of: Self.app).replicas.map(\.calls) == [0])
    #expect(second == nil)
  }

  @Test("a replica that starts is asked until it is ready") func asking() async throws {
    probe.say(.refused)
    let admission = Task { [fleet] in try await fleet.admit(Self.app) }
    _ = try await next()
    await clock.hasTimer(within: .milliseconds(2))
    #expect(fleet.status(of: Self.app).replicas.map(\.state) == [.starting])
    probe.say(.status(200))
    clock.pass(.milliseconds(2))
    try await admission.value.end()
    #expect(fleet.status(of: Self.app).replicas.map(\.state) == [.ready])
  }

  @Test("nobody calls, and nothing is left: no replica, no timer") func toZero() async throws {
    try await fleet.admit(Self.app).end()
    let replica = try await next()
    for _ in 0..<150 {
      await clock.hasTimer(within: .seconds(300))
      clock.pass(.seconds(2))
      if replica.isEnded { break }
    }
    #expect(await replica.end().cause == .stopped)
    #expect(clock.uptime() >= .seconds(300))
    while !fleet.status(of: Self.app).replicas.isEmpty { await Task.yield() }
    #expect(clock.timers == 0)
    #expect(fleet.logs(of: Self.app).count == 1)
    try await fleet.admit(Self.app).end()
    #expect(starter.started == 2)
  }

  @Test("a crash is told with the last lines, and the next call gets another replica") func crash() async throws {
    let admission = try await fleet.admit(Self.app)
    let replica = try await next()
    replica.finish(ReplicaEnd(cause: .exited(status: 3), lastLines: ["leaving as asked"]))
    while fleet.status(of: Self.app).failure == nil { await Task.yield() }
    admission.end()
    let status = fleet.status(of: Self.app)
    #expect(status.failure?.cause == "the last it wrote:\n  leaving as asked")
    #expect(status.nextStart == clock.moment().adding(.milliseconds(500)))
    #expect(fleet.admitNow(Self.app) == nil)
    clock.pass(.milliseconds(500))
    #expect(try await fleet.admit(Self.app).replica.id != replica.id)
    #expect(fleet.status(of: Self.app).failure == nil)
  }

  @Test("a switch lets calls end on the old replica, and then stops it") func activation() async throws {
    let old = try await fleet.admit(Self.app)
    let first = try await next()
    try await fleet.activate(FleetStage.revision(2))
    let new = try #require(fleet.admitNow(Self.app))
    #expect(new.replica.plan.revision.version == AppVersion(2))
    #expect(!first.isEnded)
    old.end()
    #expect(await first.end().cause == .stopped)
    #expect(first.graces == [.seconds(10)])
  }

  @Test("a caller that goes while it waits leaves nothing") func cancelled() async throws {
    probe.say(.silent)
    let waiting = Task { [fleet] in try await fleet.admit(Self.app) }
    _ = try await next()
    waiting.cancel()
    await #expect(throws: Failure.self) { try await waiting.value }
    let late = Task { [fleet] in
      withUnsafeCurrentTask { $0?.cancel() }
      return try await fleet.admit(Self.app)
    }
    await #expect(throws: Failure.self) { try await late.value }
  }

  @Test("an app that nobody knows leaves nothing") func unknown() async throws {
    let other = AppID(organization: Self.app.organization, name: try AppName("nobody"))
    await #expect { try await fleet.admit(other) } throws: { ($0 as? Failure)?.code == .notFound }
    #expect(fleet.status(of: other) == FleetStatus())
    #expect(fleet.logs(of: other).isEmpty)
  }

  @Test("an activation that came while the ledger was asked is not undone") func race() async throws {
    try await fleet.activate(FleetStage.revision(2))
    #expect(try await fleet.admit(Self.app).replica.plan.revision.version == AppVersion(2))
  }

  @Test("the reserve is started for apps that have one") func reserve() async throws {
    source.publish(FleetStage.revision(4, replicas: 2, reserved: 2))
    await fleet.keep([Self.app])
    _ = (try await next(), try await next())
    #expect(starter.started == 2)
  }

  @Test("removing ends what runs, and who waits") func removing() async throws {
    let admission = try await fleet.admit(Self.app)
    let replica = try await next()
    let lines = fleet.followLogs(of: Self.app)
    await fleet.remove(Self.app)
    #expect(replica.isEnded)
    admission.end()
    for await line in lines { Issue.record("a line came: \(line)") }
    #expect(fleet.status(of: Self.app).replicas.isEmpty)
  }

  @Test("stopping ends all, and refuses who comes then") func stopping() async throws {
    try await fleet.admit(Self.app).end()
    let replica = try await next()
    await fleet.stop(grace: .seconds(3))
    #expect(replica.graces == [.seconds(3)])
    await #expect { try await fleet.admit(Self.app) } throws: { ($0 as? Failure)?.reason == "server-stopping" }
    await #expect(throws: Failure.self) { try await fleet.activate(FleetStage.revision(2)) }
    #expect(fleet.admitNow(Self.app) == nil)
  }

  @Test("a replica that does not die keeps nobody from stopping") func stubborn() async throws {
    let starter = PlayedStarter(stubborn: true)
    let fleet = Fleet(starter: starter, source: source, probe: probe, clock: clock)
    try await fleet.admit(Self.app).end()
    let stopped = Task { await fleet.stop(grace: .seconds(3)) }
    while fleet.admitNow(Self.app) != nil { await Task.yield() }
    // Which timer is whose cannot be told from here, so time passes until the stop is through.
    let turning = Task {
      while !Task.isCancelled {
        clock.pass(.seconds(1))
        await Task.yield()
      }
    }
    await stopped.value
    turning.cancel()
  }

  @Test("one reader gets the lines of replicas that come") func following() async throws {
    let lines = fleet.followLogs(of: Self.app)
    try await fleet.admit(Self.app).end()
    let first = try await next()
    first.write("one")
    try await fleet.activate(FleetStage.revision(2))
    try await next().write("two")
    var seen: [String] = []
    for await line in lines {
      seen.append(line.text)
      if seen.count == 2 { break }
    }
    #expect(seen == ["one", "two"])
    #expect(fleet.logs(of: Self.app).count == 2)
  }

  @Test("the logs of the last three that ended are kept") func lastLogs() async throws {
    for round in 0..<5 {
      try await fleet.activate(FleetStage.revision(UInt32(round + 1)))
      try await fleet.admit(Self.app).end()
      try await next().write("\(round)")
    }
    while fleet.logs(of: Self.app).count > 4 || fleet.status(of: Self.app).replicas.count > 1 { await Task.yield() }
    #expect(fleet.logs(of: Self.app).compactMap { $0.last(1).first?.text } == ["1", "2", "3", "4"])
  }

  @Test("published again and again under calls, no call fails and none gets what was replaced") func underLoad()
    async throws
  {
    let fleet = Fleet(starter: starter, source: source, probe: probe)
    let published = Published()
    let calls = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<8 {
        group.addTask {
          var calls = 0
          while !published.isOver {
            let least = published.newest
            let now = fleet.admitNow(Self.app)
            let admission = if let now { now } else { try await fleet.admit(Self.app) }
            let replica = try #require(admission.replica as? PlayedReplica)
            await Task.yield()
            #expect(!replica.isEnded)
            #expect(replica.plan.revision.version.number >= least)
            admission.end()
            calls += 1
          }
          return calls
        }
      }
      for version in UInt32(2)...60 {
        try await fleet.activate(FleetStage.revision(version))
        published.set(version)
        for _ in 0..<50 { await Task.yield() }
      }
      published.finish()
      return try await group.reduce(0, +)
    }
    #expect(calls > 100)
    await fleet.stop(grace: .zero)
  }
}
