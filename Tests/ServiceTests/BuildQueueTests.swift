import Diagnostics
import Storage
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
    let queue = BuildQueue(data: shelf.data, workers: 1) { [workshop] (record, reporter) async throws(Failure) in
      let built = await workshop.stubbornWork(record)
      try reporter.publication.begin()
      return built
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
    let queue = BuildQueue(data: shelf.data, workers: 1) { [workshop] (record, reporter) async throws(Failure) in
      try reporter.publication.begin()
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
    await queue.stop()
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

  @Test("fails at the next start what ran when the server died")
  func killed() async throws {
    let record = try shelf.record("one")
    #expect(try shelf.data.ledger.markRunning(record.id, at: shelf.data.clock.now()))
    try await queue().recover()
    let ended = try await shelf.ended(record)
    #expect(ended.status == .failed)
    #expect(ended.failure?.reason == "interrupted")
  }
}
