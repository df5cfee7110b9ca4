import Diagnostics
import Sandbox
import Storage
import Testing

@testable import Runner

@Suite struct ReplicaWordsTests {
  @Test func signalsAreReadInAllSpellings() {
    #expect(StopSignal("SIGQUIT")?.number == 3)
    #expect(StopSignal("quit")?.number == 3)
    #expect(StopSignal("9")?.number == 9)
    #expect(StopSignal("SIGRTMIN+3")?.number == 37)
    #expect(StopSignal("SIGRTMAX-1")?.number == 63)
    for text in ["", "SIGNOTHING", "0", "65", "RTMIN+x"] { #expect(StopSignal(text) == nil, "\(text)") }
  }

  private static func lines(_ chunks: [(OutputChunk)]) -> [String] {
    let log = ReplicaLog()
    let output = ReplicaOutput(replica: .make(at: Timestamp(milliseconds: 1)), log: log, clock: .system)
    for chunk in chunks { output.take(chunk) }
    output.finish()
    return log.last(10_000).map(\.text)
  }

  private static func chunk(_ text: String) -> OutputChunk { OutputChunk(stream: .stdout, bytes: Array(text.utf8)) }

  @Test func linesAreMadeOfWhateverComes() {
    #expect(Self.lines([Self.chunk("on"), Self.chunk("e\r\ntwo\n\nlast")]) == ["one", "two", "", "last"])
    #expect(Self.lines([OutputChunk(stream: .stderr, bytes: [0x61, 0xff, 0x0a])]) == ["a\u{fffd}"])
  }

  @Test func aLongLineIsCut() {
    let long = Self.chunk(String(repeating: "a", count: 10 << 10))
    let lines = Self.lines([long, long, Self.chunk("\nnext\n")])
    #expect(lines.map(\.utf8.count) == [ReplicaOutput.lineLimit + 3, 4])
  }

  @Test func whoWritesTooFastLosesTheRestOfTheSecond() {
    let piece = Self.chunk(String(repeating: "a", count: 1023) + "\n")
    let lines = Self.lines(Array(repeating: piece, count: 6 << 10))
    #expect(lines.last?.contains("were left out") == true)
  }
}
