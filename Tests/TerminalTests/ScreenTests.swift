import Diagnostics
import TestSupport
import Testing

@testable import Terminal

@Suite("Screens at 40, 80 and 120 columns")
struct ScreenTests {
  static let widths = [40, 80, 120]
  static let now = Timestamp(milliseconds: 1_003_000)
  static let id = "bld_01J9ZK3V7Q"

  static func frame(_ events: [BuildEvent], rows: Int = 24, _ look: Appearance) -> (TTYProgress, TTYProgress.Frame) {
    var display = TTYProgress(title: "Building app from .")
    for event in events { display.apply(event) }
    let frame = display.frame(at: now, rows: rows, look)
    return (display, frame)
  }

  @Test("a running build shows settled steps above and the running one with its output", arguments: widths)
  func running(width: Int) throws {
    let (_, frame) = Self.frame(ScriptedBuild.running, Appearance(width: width))
    try Golden.expect("running-\(width)", frame.settled + ["~"] + frame.live)
  }

  @Test("a good build ends with its card", arguments: widths)
  func succeeded(width: Int) throws {
    let look = Appearance(width: width)
    let (display, frame) = Self.frame(ScriptedBuild.succeeded, look)
    #expect(frame.live.isEmpty)
    let card = EndingCard(
      progress: display.progress,
      buildID: Self.id,
      pageURL: "http://localhost:4480/builds/\(Self.id)"
    )
    try Golden.expect("succeeded-\(width)", frame.settled + ["~"] + card.lines(look))
  }

  @Test("a failed build ends with the letter", arguments: widths)
  func failed(width: Int) throws {
    let look = Appearance(width: width)
    let (display, frame) = Self.frame(ScriptedBuild.failed, look)
    let card = EndingCard(
      progress: display.progress,
      buildID: Self.id,
      pageURL: "http://localhost:4480/builds/\(Self.id)"
    )
    try Golden.expect("failed-\(width)", frame.settled + ["~"] + card.lines(look))
  }

  @Test("a table shrinks its names, then turns into records", arguments: widths)
  func table(width: Int) throws {
    try Golden.expect("table-\(width)", Self.table.lines(Appearance(width: width)))
  }

  static let table = Table(
    columns: [
      .init("BUILD"), .init("NAME", mayShrink: true), .init("STATUS"), .init("TOOK", alignsTrailing: true),
      .init("CREATED"),
    ],
    rows: [
      [
        "bld_01J9ZK3V7Q0000000000000000", "greeter-with-a-rather-long-name-of-its-own", .init("SUCCEEDED", .good),
        "3.1s", "2 h ago",
      ], ["bld_01J9ZK3V7R0000000000000000", "app", .init("FAILED", .bad), "12m04s", "3 d ago"],
    ]
  )

  @Test("the banner keeps addresses whole", arguments: widths)
  func banner(width: Int) throws {
    let banner = Banner(
      version: "0.1.0",
      readyMilliseconds: 214,
      pageURL: "http://localhost:4480",
      registry: "localhost:4480",
      organization: "dev",
      grpc: "localhost:50051",
      dataDirectory: "~/.local/share/kindling",
      dataSummary: "41 builds, 1.2 GB",
      warnings: [.init("listening on 0.0.0.0: others on the network can reach it", fix: "leave out --listen")]
    )
    try Golden.expect("banner-\(width)", banner.lines(Appearance(width: width)))
  }

  @Test("marks have an ASCII fallback and colour is only colour")
  func fallbacks() throws {
    let plain = Self.frame(ScriptedBuild.failed, Appearance(usesUnicode: false, width: 60))
    let card = EndingCard(progress: plain.0.progress, buildID: Self.id).lines(Appearance(usesUnicode: false, width: 60))
    let text = (plain.1.settled + card).text
    #expect(text.utf8.allSatisfy { $0 < 0x80 })
    let colored = Self.frame(ScriptedBuild.running, Appearance(usesColor: true, width: 80)).1
    let stripped = (colored.settled + colored.live).map { Escape.tamed($0) }
    let bare = Self.frame(ScriptedBuild.running, Appearance(width: 80)).1
    #expect(stripped == bare.settled + bare.live)
  }

  @Test("live lines never exceed the rows of the terminal, nor a line its width", arguments: [3, 5, 10, 50])
  func bounded(rows: Int) {
    let steps = (1...30).map {
      BuildEvent.PlannedStep(
        step: $0,
        stage: "s\($0)",
        instruction: "RUN " + String(repeating: "x", count: 300),
        line: $0
      )
    }
    var list: [(milliseconds: Int64, kind: BuildEvent.Kind)] = [(0, .queued), (0, .started), (0, .planned(steps))]
    list += steps.map { (0, .stepStarted(step: $0.step)) }
    list += (0..<300).map { (0, .output(step: $0 % 30 + 1, stream: .stdout, line: String(repeating: "語", count: 200))) }
    let (_, frame) = Self.frame(ScriptedBuild.events(list), rows: rows, Appearance(width: 60))
    #expect(frame.live.count < rows)
    #expect(frame.live.allSatisfy { $0.displayWidth <= 60 })
  }
}
