import Diagnostics
import Runner
import Storage
import Synchronization
import Testing

@testable import Service

@Suite("Executions") struct ExecutionsTests {
  /// Answers as it is told, when it is told.
  private final class ScriptedApp: AppCaller {
    enum Piece { case bytes(Int), failure, end }
    private let script = AsyncStream.makeStream(of: Piece.self)
    private let status: Int

    init(status: Int = 200) { self.status = status }

    func say(_ piece: Piece) {
      script.continuation.yield(piece)
      if case .end = piece { script.continuation.finish() }
    }

    func call(_ request: AppRequest) async throws(Failure) -> AppAnswer {
      let pieces = script.stream
      let body = AsyncThrowingStream<[UInt8], any Error> { continuation in
        let task = Task {
          for await piece in pieces {
            switch piece {
            case .bytes(let count): continuation.yield([UInt8](repeating: 7, count: count))
            case .failure: continuation.finish(throwing: Failure(.unavailable, reason: "replica-ended", "it ended"))
            case .end: continuation.finish()
            }
          }
          continuation.finish()
        }
        continuation.onTermination = { _ in task.cancel() }
      }
      return AppAnswer(status: status, headers: [], body: body)
    }
  }

  private struct House {
    let shelf: Shelf
    let app: ScriptedApp
    let executions: Executions
    let owner: OrganizationName
    let id: AppID

    init(status: Int = 200) throws {
      shelf = try Shelf()
      app = ScriptedApp(status: status)
      executions = Executions(data: shelf.data, caller: app)
      owner = try OrganizationName("dev")
      id = AppID(organization: owner, name: try AppName("a"))
      let now = shelf.data.clock.now()
      _ = try shelf.data.ledger.insert(
        AppRecord(id: id, configuration: AppConfiguration(), createdAt: now, updatedAt: now))
    }

    func start() throws -> ExecutionRecord {
      try executions.start(
        AppRequest(app: id, execution: ExecutionID.make(at: shelf.data.clock.now())), by: owner)
    }
  }

  @Test("is RUNNING until the answer's end, and whoever watches sees both")
  func watching() async throws {
    let house = try House()
    let record = try house.start()
    var states: [ExecutionRecord] = []
    for try await state in house.executions.watch(record, of: house.owner) {
      if states.isEmpty {
        house.app.say(.bytes(3))
        house.app.say(.end)
      }
      states.append(state)
    }
    #expect(states.map(\.status) == [.running, .succeeded])
    #expect(states.last?.output == [7, 7, 7] && states.last?.statusCode == 200 && states.last?.completedAt != nil)
    // A watch of one that has ended says so and ends.
    var late: [ExecutionRecord] = []
    for try await state in house.executions.watch(record, of: house.owner) { late.append(state) }
    #expect(late == states.suffix(1))
  }

  @Test(
    "has FAILED with an error answer, an answer that breaks off and one that is too large",
    arguments: [(500, 1, "answered 500"), (404, 1, "answered 404"), (200, -1, "it ended"), (200, 2 << 20, "1 MiB")])
  func failing(_ status: Int, _ bytes: Int, _ words: String) async throws {
    let house = try House(status: status)
    let record = try house.start()
    house.app.say(bytes < 0 ? .failure : .bytes(bytes))
    house.app.say(.end)
    var last: ExecutionRecord?
    for try await state in house.executions.watch(record, of: house.owner) { last = state }
    #expect(last?.status == .failed && last?.error?.contains(words) == true, "\(String(describing: last?.error))")
    #expect(last?.statusCode == status && (last?.output.count ?? 0) <= Executions.outputLimit)
  }

  @Test("is interrupted by a stop, and by a start that finds it")
  func stopping() async throws {
    let house = try House()
    let record = try house.start()
    await house.executions.stop()
    let row = try house.shelf.data.ledger.execution(record.id, of: house.owner)
    #expect(row?.status == .failed && row?.error?.hasPrefix("interrupted") == true, "\(String(describing: row))")
    let left = ExecutionRecord(
      id: ExecutionID.make(at: house.shelf.data.clock.now()), app: house.id, caller: house.owner,
      createdAt: house.shelf.data.clock.now())
    try house.shelf.data.ledger.insert(left, keeping: 9)
    try house.executions.recover()
    #expect(try house.shelf.data.ledger.execution(left.id, of: house.owner)?.status == .failed)
  }
}
