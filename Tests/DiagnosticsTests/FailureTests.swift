import Diagnostics
import Testing

@Suite("A failure")
struct FailureTests {
  let failure = Failure(
    .invalidArgument, reason: "dockerfile-syntax", "instruction 'RUNN' is unknown",
    source: SourceExcerpt(file: "Dockerfile", text: "FROM a\nRUNN b\nCOPY c d\n", lines: 2...2),
    hint: "did you mean RUN?", cause: "because")

  @Test("reads as a letter: what, where, why, what to do")
  func letter() {
    #expect(
      failure.description == """
        instruction 'RUNN' is unknown

        Dockerfile:2
            1 | FROM a
          > 2 | RUNN b
            3 | COPY c d
            4 | \("")

        because

        hint: did you mean RUN?
        """)
  }

  @Test("fits into one line for records")
  func oneLine() {
    #expect(failure.oneLine == "instruction 'RUNN' is unknown (Dockerfile:2): because; did you mean RUN?")
  }

  @Test("passes a border unchanged, and what is not one becomes our own bug")
  func wrapping() {
    struct Surprise: Error {}
    #expect(Failure(wrapping: failure, while: "reading") == failure)
    #expect(Failure(wrapping: CancellationError(), while: "reading").code == .cancelled)
    let wrapped = Failure(wrapping: Surprise(), while: "reading")
    #expect(wrapped.code == .internal && wrapped.message == "reading failed" && wrapped.cause == "Surprise()")
  }
}

@Suite("An excerpt")
struct SourceExcerptTests {
  @Test(
    "shows lines around a place, whatever ends them",
    arguments: [
      ("1\n2\n3\n4\n5\n6", 4...4, ["2", "3", "4", "5", "6"]), ("1\r\n2\r\n3", 2...2, ["1", "2", "3"]),
      ("only", 1...1, ["only"]), ("1\n2\n3\n4\n5\n6\n7", 3...5, ["1", "2", "3", "4", "5", "6", "7"]),
      ("", 1...1, [""]), ("1\n2", 9...9, ["2"]),
    ])
  func lines(text: String, range: ClosedRange<Int>, shown: [String]) {
    #expect(SourceExcerpt(file: "f", text: text, lines: range).lines == shown)
  }
}
