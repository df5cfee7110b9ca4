import Diagnostics
import Testing

@testable import Service

@Suite("The board of faults")
struct FaultBoardTests {
  @Test("gives an organisation its own fault first, then everybody's, and counts")
  func order() throws {
    let board = FaultBoard()
    #expect(board.take(.createBuild, of: "dev") == nil)
    board.set(try Fault(at: .createBuild, count: 2))
    board.set(try Fault(at: .createBuild, organization: "acme", code: .notFound))
    #expect(board.take(.createBuild, of: "acme")?.code == .notFound)
    #expect(board.take(.getBuild, of: "acme") == nil)
    #expect(board.take(.createBuild, of: "dev")?.code == .unavailable)
    #expect(board.take(.createBuild, of: "dev")?.code == .unavailable)
    #expect(board.take(.createBuild, of: "dev") == nil)
    #expect(board.faults.map(\.organization) == ["acme"])
    board.set(try Fault(at: .createBuild, organization: "acme", delayMilliseconds: 1))
    #expect(board.faults.count == 1 && board.faults[0].failure == nil)
    board.clear(.getBuild)
    #expect(board.faults.count == 1)
    board.clear()
    #expect(board.faults.isEmpty)
  }

  @Test("never meets what has no chance, and refuses what makes no sense")
  func chance() throws {
    let board = FaultBoard()
    board.set(try Fault(at: .push, probability: 0))
    for _ in 0..<100 { #expect(board.take(.push, of: "dev") == nil) }
    expectRefused { _ = try Fault(at: .push, delayMilliseconds: -1) }
    expectRefused { _ = try Fault(at: .push, probability: 1.1) }
    expectRefused { _ = try Fault(at: .push, count: 0) }
    expectRefused { _ = try Fault(at: .pending, code: .internal) }
  }

  private func expectRefused(_ make: () throws -> Void) {
    let failure = #expect(throws: Failure.self) { try make() }
    #expect(failure?.reason == "fault-invalid")
  }
}
