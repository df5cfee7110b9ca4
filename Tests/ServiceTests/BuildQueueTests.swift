import Diagnostics
import OCI
import Storage
import Synchronization
import Testing

@testable import Service

@Suite("The queue", .timeLimit(.minutes(1)))
struct BuildQueueTests {
  let shelf: Shelf
  let workshop = Workshop()

  init() throws { shelf = try Shelf() }

  private func queue(workers: Int = 1, timeout: Duration = .seconds(600)) -> BuildQueue {
    BuildQueue(data: shelf.data, workers: workers, defaultTimeout: timeout) {
      [workshop] (record, _) async throws(Failure) in try await workshop.work(record)
    }
  }

  @Test("takes an organisation's builds in order, and organisations in turn")
  func fairness() async throws {
    let queue = queue()
    // While it runs, everybody comes to wait.
    var records = [try shelf.record("first", of: "z")]
    for (organization, names) in [("a", ["a1", "a2", "a3"]), ("b", ["b1", "b2"]), ("c", ["c1"])] {
      for name in names { records.append(try shelf.record(name, of: organization)) }
    }
    for record in records { await queue.enqueue(record) }
    for number in records.indices {
      await workshop.begun(number + 1)
      await workshop.end(await workshop.order[number])
    }
    #expect(await workshop.order == ["first", "a1", "b1", "c1", "a2", "b2", "a3"])
    for record in records { #expect(try await shelf.ended(record).status == .succeeded) }
  }

  @Test("begins nothing before it is opened")
  func closed() async throws {
    let queue = BuildQueue(data: shelf.data, isOpen: false) {
      [workshop] (record, _) async throws(Failure) in try await workshop.work(record)
    }
    let record = try shelf.record("early")
    await queue.enqueue(record)
    #expect(await queue.depth == (0, 1))
    #expect(try shelf.status(record) == .pending)
    await queue.open()
    await workshop.begun(1)
    await workshop.end("early")
    #expect(try await shelf.ended(record).status == .succeeded)
  }

  @Test("takes the largest time limit a caller can send")
  func endlessTimeout() async throws {
    var record = try shelf.record("patient")
    record.timeoutSeconds = .max
    let queue = queue()
    await queue.enqueue(record)
    await workshop.begun(1)
    await workshop.end("patient")
    #expect(try await shelf.ended(record).status == .succeeded)
  }

  @Test("runs as many at once as it may, and no more")
  func workers() async throws {
    let queue = queue(workers: 3)
    let records = try (1...7).map { try shelf.record("build\($0)") }
    for record in records { await queue.enqueue(record) }
    await workshop.begun(3)
    #expect(await queue.depth == (3, 4))
    for record in records { await workshop.end(record.name) }
    for record in records { #expect(try await shelf.ended(record).status == .succeeded) }
    #expect(await workshop.mostRunning == 3)
  }

  @Test("ends a waiting build at once when it is cancelled, and goes on")
  func cancelWaiting() async throws {
    let queue = queue()
    let (first, second, third) = (try shelf.record("one"), try shelf.record("two"), try shelf.record("three"))
    for record in [first, second, third] { await queue.enqueue(record) }
    await workshop.begun(1)
    try await queue.cancel(second.id)
    #expect(try shelf.status(second) == .cancelled)
    await workshop.end("one")
    await workshop.begun(2)
    #expect(await workshop.order == ["one", "three"])
    await workshop.end("three")
    #expect(try await shelf.ended(third).status == .succeeded)
  }

  @Test("ends a running build when it is cancelled, and has ended it when the call returns")
  func cancelRunning() async throws {
    let queue = queue()
    let record = try shelf.record("one")
    await queue.enqueue(record)
    await workshop.begun(1)
    try await queue.cancel(record.id)
    #expect(try shelf.status(record) == .cancelled)
    #expect(try shelf.data.events.isFinished(record.id))
    // Over is over: nothing happens, and nothing is thrown.
    try await queue.cancel(record.id)
    #expect(try shelf.status(record) == .cancelled)
  }

  @Test("has cancelled a build when the call returns, though its work holds on; that keeps its worker until it lets go")
  func cancelStubborn() async throws {
    let queue = BuildQueue(data: shelf.data, workers: 1) { [workshop] (record, _) async throws(Failure) in
      await workshop.stubbornWork(record)
    }
    let (first, second) = (try shelf.record("one"), try shelf.record("two"))
    await queue.enqueue(first)
    await queue.enqueue(second)
    await workshop.begun(1)
    try await queue.cancel(first.id)
    #expect(try shelf.status(first) == .cancelled)
    #expect(try shelf.data.events.isFinished(first.id))
    #expect(await queue.depth == (1, 1))
    try await queue.cancel(first.id)
    await workshop.end("one")
    await workshop.begun(2)
    #expect(try shelf.status(first) == .cancelled)
    await workshop.end("two")
    #expect(try await shelf.ended(second).status == .succeeded)
  }

  @Test("does not call a build cancelled whose tags began to move before")
  func cancelPublishing() async throws {
    let queue = BuildQueue(data: shelf.data, workers: 1) { [workshop, shelf] (record, _) async throws(Failure) in
      // As the commit of an image does.
      #expect(try shelf.data.ledger.finish(record.id, status: .succeeded, at: shelf.data.clock.now()))
      return await withTaskCancellationHandler {
        await workshop.stubbornWork(record)
      } onCancel: {
        Task { await workshop.end(record.name) }
      }
    }
    let record = try shelf.record("one")
    await queue.enqueue(record)
    await workshop.begun(1)
    try await queue.cancel(record.id)
    #expect(try shelf.status(record) == .succeeded)
  }

  @Test("fails a build that takes too long, saying how long that was")
  func timeout() async throws {
    let queue = queue(timeout: .seconds(600))
    let record = try shelf.record("slow", timeout: 1)
    await queue.enqueue(record)
    let ended = try await shelf.ended(record)
    #expect(ended.status == .failed)
    #expect(ended.failure?.reason == "build-timeout")
    #expect(ended.failure?.message == "timed out after 1 s")
  }

  @Test("that stops fails what runs and leaves what waits, which the next start takes up")
  func stopAndRecover() async throws {
    let queue = queue()
    let (first, second) = (try shelf.record("one"), try shelf.record("two"))
    await queue.enqueue(first)
    await queue.enqueue(second)
    await workshop.begun(1)
    #expect(await queue.stop() == StopReport(interrupted: 1, waiting: 1))
    let ended = try await shelf.ended(first)
    #expect(ended.status == .failed)
    #expect(ended.failure?.reason == "interrupted")
    #expect(try shelf.status(second) == .pending)

    let next = self.queue()
    try await next.recover()
    await workshop.begun(2)
    #expect(await workshop.order == ["one", "two"])
    await workshop.end("two")
    #expect(try await shelf.ended(second).status == .succeeded)
  }

  @Test("that stops lets what ends soon end, and says what it waits for")
  func stopWithGrace() async throws {
    let queue = queue(workers: 2)
    let (soon, never) = (try shelf.record("soon"), try shelf.record("never"))
    for record in [soon, never] { await queue.enqueue(record) }
    await workshop.begun(2)
    let told = Told()
    let report = await queue.stop(grace: .milliseconds(500)) { [workshop] builds in
      told.names.withLock { $0 = builds.map(\.name).sorted() }
      Task { await workshop.end("soon") }
    }
    #expect(told.names.withLock { $0 } == ["never", "soon"])
    #expect(report == StopReport(interrupted: 1, waiting: 0))
    #expect(try shelf.status(soon) == .succeeded)
    #expect(try await shelf.ended(never).failure?.reason == "interrupted")
  }

  private final class Told: Sendable {
    let names = Mutex<[String]>([])
  }

  @Test("begins nothing while it is paused, also after a restart, and says so to who waits")
  func pause() async throws {
    let queue = queue()
    try await queue.apply(QueueChange(isPaused: true))
    let record = try shelf.record("patient")
    await queue.enqueue(record)
    #expect(await queue.depth == (0, 1))
    let since = try #require(queue.gauge.status.pausedAt)
    #expect(try await shelf.waits(record).map(\.pausedAt) == [since])

    let next = self.queue()
    try await next.recover()
    #expect(next.gauge.status.pausedAt == since && next.gauge.status.waiting == 1)
    // Pausing twice is pausing once.
    try await next.apply(QueueChange(isPaused: true))
    #expect(next.gauge.status.pausedAt == since)
    try await next.apply(QueueChange(isPaused: false))
    await workshop.begun(1)
    await workshop.end("patient")
    #expect(try await shelf.ended(record).status == .succeeded)
    #expect(try shelf.data.ledger.queuePausedAt() == nil)
  }

  @Test("takes more workers at once, and fewer when they are free")
  func resize() async throws {
    let queue = queue()
    let records = try (1...5).map { try shelf.record("build\($0)") }
    for record in records { await queue.enqueue(record) }
    await workshop.begun(1)
    try await queue.apply(QueueChange(workers: 3))
    await workshop.begun(3)
    #expect(await queue.depth == (3, 2))
    try await queue.apply(QueueChange(workers: 1))
    await workshop.end("build1")
    #expect(try await shelf.ended(records[0]).status == .succeeded)
    #expect(await queue.depth == (2, 2))
    for record in records { await workshop.end(record.name) }
    for record in records { #expect(try await shelf.ended(record).status == .succeeded) }
    for count in [0, -1, 65] {
      await #expect(throws: Failure.self) { try await queue.apply(QueueChange(workers: count)) }
    }
  }

  @Test("says to each build why it waits, in few lines, and to nobody whose others are")
  func reasons() async throws {
    let queue = queue()
    let busy = try shelf.record("busy", of: "z")
    let records = try (0..<100).map { try shelf.record("build\($0)", of: $0 % 2 == 0 ? "a" : "b") }
    for record in [busy] + records { await queue.enqueue(record) }
    await workshop.begun(1)
    #expect(try await shelf.waits(records[0]).map(\.text) == ["waiting for a free worker (1 of 1 busy)"])
    #expect(
      try await shelf.waits(records[4]).map(\.text) == [
        "waiting behind 4 builds, 2 of your organisation (1 of 1 busy)"
      ])
    let view = await queue.view(of: try OrganizationName("a"))
    #expect(view.ownWaiting == 50 && view.ownRunning == 0 && view.status.waiting == 100)
    #expect(view.builds.map { $0.wait?.position } == (0..<50).map { 2 * $0 + 1 })
    #expect(view.builds.allSatisfy { $0.record.organization.name == "a" })
    for record in [busy] + records { await workshop.end(record.name) }
    for record in records { #expect(try await shelf.ended(record).status == .succeeded) }
    for record in records {
      let waits = try await shelf.waits(record)
      #expect(waits.count <= 12, "\(waits.map(\.ahead))")
      #expect(waits.map(\.ahead) == waits.map(\.ahead).sorted(by: >))
    }
  }

  @Test("runs nothing where builds are impossible, and says why to those that wait from before")
  func obstacle() async throws {
    let record = try shelf.record("stuck")
    let queue = BuildQueue(data: shelf.data, isOpen: false, obstacle: "no namespaces here") {
      [workshop] (record, _) async throws(Failure) in try await workshop.work(record)
    }
    try await queue.recover()
    await queue.open()
    #expect(await queue.depth == (0, 1))
    #expect(try await shelf.waits(record).map(\.text) == ["waiting: no namespaces here"])
  }

  @Test("cancels a build that the ledger has and the line has not yet")
  func cancelEarly() async throws {
    let queue = queue()
    let record = try shelf.record("early")
    try await queue.cancel(record.id)
    #expect(try shelf.status(record) == .cancelled)
    await queue.enqueue(record)
    #expect(await queue.depth == (0, 0))
  }

  @Test("says of a build that failed what it cost, and of one that never began nothing")
  func metrics() async throws {
    let queue = BuildQueue(data: shelf.data, workers: 1) { (record, reporter) async throws(Failure) in
      try reporter.report([.stepFinished(.init(step: 1, result: .cached, durationMilliseconds: 0))])
      throw Failure(.invalidArgument, reason: "step-failed", "step 2 failed")
    }
    let record = try shelf.record("bad")
    await queue.enqueue(record)
    let metrics = try #require(try await shelf.ended(record).metrics)
    #expect(metrics.cacheUsed && metrics.layerCount == 0 && metrics.imageSize.bytes == 0)
    try await queue.apply(QueueChange(isPaused: true))
    let waiting = try shelf.record("waiting")
    await queue.enqueue(waiting)
    try await queue.cancel(waiting.id)
    #expect(try await shelf.ended(waiting).metrics == nil)
  }

  @Test("makes up at the next start for the events of a success that a kill cut off, and loses no truth")
  func lostEvents() async throws {
    let record = try shelf.record("one")
    let ledger = shelf.data.ledger
    #expect(try ledger.markRunning(record.id, at: shelf.data.clock.now()))
    try shelf.data.events.append(
      contentsOf: [
        .started, .stepFinished(.init(step: 1, result: .cached, durationMilliseconds: 0)),
        .stepFinished(.init(step: 2, result: .cached, durationMilliseconds: 0)),
      ], to: record.id)
    let metrics = BuildMetrics(durationMilliseconds: 70, imageSize: ByteCount(9), layerCount: 2, cacheUsed: true)
    #expect(
      try ledger.finish(
        record.id, status: .succeeded, references: ["here/one:latest"], manifest: Digest(sha256Of: []),
        metrics: metrics, at: shelf.data.clock.now()))
    try await queue().recover()
    #expect(try await shelf.ended(record).metrics == metrics)
    let kinds = try await shelf.events(record)
    #expect(kinds.last == .finished(.succeeded(durationMilliseconds: 70, cachedSteps: 2)))
    let image = BuildEvent.ImageSummary(
      references: ["here/one:latest"], digest: "\(Digest(sha256Of: []))", size: ByteCount(9), layers: 2)
    #expect(kinds.dropLast().last == .image(image))
  }

  @Test("fails at the next start what ran when the server died")
  func killed() async throws {
    let record = try shelf.record("one")
    #expect(try shelf.data.ledger.markRunning(record.id, at: shelf.data.clock.now()))
    try await queue().recover()
    let ended = try await shelf.ended(record)
    #expect(ended.status == .failed)
    #expect(ended.failure?.reason == "interrupted")
    // Nobody knows how long it ran: the server may have been away for days.
    #expect(ended.metrics == nil)
  }
}
