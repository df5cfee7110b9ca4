import Testing

@testable import Terminal

@Suite("Redrawing in place")
struct LiveScreenTests {
  @Test("the live lines are erased by moving up as many rows as they took")
  func erases() {
    var screen = LiveScreen()
    #expect(screen.draw(.init(settled: ["title"], live: ["one", "two"]), width: 80) == "title\none\ntwo\n")
    #expect(screen.draw(.init(settled: ["done one"], live: ["two"]), width: 80) == "\r\u{1b}[2A\u{1b}[Jdone one\ntwo\n")
    #expect(screen.draw(.init(settled: [], live: ["two"]), width: 80).isEmpty)
    #expect(screen.draw(.init(settled: [], live: []), width: 80) == "\r\u{1b}[1A\u{1b}[J")
    #expect(screen.draw(.init(settled: ["last"], live: []), width: 80) == "last\n")
  }

  @Test("after the terminal shrank, a line drawn before counts for the rows it now takes")
  func shrinks() {
    var screen = LiveScreen()
    _ = screen.draw(.init(settled: [], live: [String(repeating: "x", count: 70), "y"]), width: 80)
    #expect(screen.draw(.init(settled: [], live: ["z"]), width: 30).hasPrefix("\r\u{1b}[4A"))
  }
}
