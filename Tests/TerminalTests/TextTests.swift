import Diagnostics
import Testing

@testable import Terminal

@Suite("Text on a terminal")
struct TextTests {
  @Test(
    "a stranger's line can neither move the cursor nor talk to the terminal",
    arguments: [
      ("plain", "plain"), ("10%\r50%\r100%\r", "100%"), ("a\tb", "a       b"),
      ("\u{1b}[2J\u{1b}[Hgone", "gone"), ("\u{1b}]0;title\u{7}text", "text"), ("\u{1b}]52;c;AAAA\u{1b}\\text", "text"),
      ("\u{1b}[31mred\u{1b}[0m", "red"), ("bell\u{7}", "bell"), ("\u{9b}31mred", "31mred"), ("\u{1b}", ""),
      ("\u{1b}[", ""), ("\u{1b}]never closed", ""), ("é語👍🏽", "é語👍🏽"),
    ]
  )
  func tamed(line: String, expected: String) { #expect(Escape.tamed(line) == expected) }

  @Test("colours may stay where they are wanted, and end with the line")
  func colored() {
    #expect(Escape.tamed("\u{1b}[31mred\u{1b}[2J", keepingColor: true) == "\u{1b}[31mred\u{1b}[0m")
  }

  @Test(
    "width is columns",
    arguments: [("", 0), ("abc", 3), ("語", 2), ("e\u{301}", 1), ("👍🏽", 2), ("\u{1b}[1mx\u{1b}[0m", 1)]
  )
  func width(text: String, columns: Int) { #expect(text.displayWidth == columns) }

  @Test(
    "a long instruction loses the middle of its paths before its end",
    arguments: [
      (40, "COPY /a/b/c.txt /usr/local/share/app.txt"), (36, "COPY /a/b/c.txt /usr/…/share/app.txt"),
      (31, "COPY /a/b/c.txt /usr/…/app.txt"), (20, "COPY /a/b/c.txt /us…"), (8, "COPY /a…"),
    ]
  )
  func instruction(width: Int, expected: String) {
    let text = InstructionText.fitted("COPY /a/b/c.txt /usr/local/share/app.txt", to: width, ellipsis: "…")
    #expect(text == expected)
    #expect(text.displayWidth <= width)
  }

  @Test(
    "colour and Unicode follow the environment",
    arguments: [
      (["LANG": "C.UTF-8"], true, true, true), (["NO_COLOR": "1"], true, false, true),
      (["NO_COLOR": ""], true, true, true),
      (["TERM": "dumb"], true, false, false), (["LC_ALL": "C"], true, true, false),
      (["LANG": "en_US.utf8", "LC_ALL": "POSIX"], true, true, false), ([:], false, false, true),
    ] as [([String: String], Bool, Bool, Bool)]
  )
  func appearance(environment: [String: String], isTTY: Bool, color: Bool, unicode: Bool) {
    let look = Appearance.suiting(isTTY: isTTY, width: 80, environment: environment)
    #expect(look == Appearance(usesColor: color, usesUnicode: unicode, width: isTTY ? 80 : nil))
  }

  @Test("an explicit choice of colour wins")
  func explicit() {
    let always = Appearance.suiting(isTTY: false, width: nil, environment: ["NO_COLOR": "1"], color: .always)
    #expect(always.usesColor)
    #expect(!Appearance.suiting(isTTY: true, width: 80, environment: [:], color: .never).usesColor)
  }

  @Test(
    "durations read well",
    arguments: [
      (0, "0.0s", "0.0 s"), (14_290, "14.2s", "14.2 s"), (125_000, "2m05s", "2 min 05 s"),
      (3_720_000, "1h02m", "1 h 02 min"),
    ]
      as [(Int64, String, String)]
  )
  func durations(milliseconds: Int64, compact: String, spaced: String) {
    #expect(DurationText.compact(milliseconds: milliseconds) == compact)
    #expect(DurationText.spaced(milliseconds: milliseconds) == spaced)
  }
}

@Suite("The letter of a failure")
struct FailureTextTests {
  @Test("what, where, evidence and what to do, in this order")
  func order() {
    let failure = Failure(
      .invalidArgument,
      reason: "dockerfile-syntax",
      "instruction 'RNU' is not known",
      source: ScriptedBuild.excerpt,
      hint: "did you mean RUN?",
      cause: "line one\nline two"
    )
    let text = FailureText(
      failure,
      evidence: .init(lines: ["last"], total: 214),
      pointers: [("more", "kindling build logs x")]
    ).lines(Appearance()).text
    let places = [
      "✗ instruction", "Dockerfile:3", "> 3 | RUN", "line two", "last lines (of 214)", "hint   did", "more   kind",
    ]
    .map { text.firstRange(of: $0)?.lowerBound }
    #expect(places.allSatisfy { $0 != nil })
    #expect(places.compactMap { $0 } == places.compactMap { $0 }.sorted())
  }

  @Test("a line the cause already quotes is not told twice")
  func once() {
    let failure = Failure(.unknown, reason: "x", "it broke", cause: "boom")
    let lines = FailureText(failure, evidence: .init(lines: ["boom"], total: 1)).lines(Appearance())
    #expect(lines == ["✗ it broke", "", "  boom"])
  }

  @Test("a headline the message begins with is not repeated")
  func headline() {
    let failure = Failure(.unknown, reason: "x", "step 3/4 exited with status 2")
    #expect(
      FailureText(failure, headline: "step 3/4 failed after 3.1 s").lines(Appearance()) == [
        "✗ step 3/4 exited with status 2"
      ]
    )
  }
}
