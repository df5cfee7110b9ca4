import Diagnostics
import TestSupport
import Testing

@testable import Terminal

@Suite("Plain progress")
struct PlainProgressTests {
  static func lines(_ events: [BuildEvent], forWorkflow: Bool = false) -> [String] {
    var progress = PlainProgress(forWorkflow: forWorkflow)
    return events.flatMap { progress.lines(for: $0) }
  }

  @Test("steps are announced, timed and closed, and the ending is left to the card")
  func golden() throws { try Golden.expect("plain", Self.lines(ScriptedBuild.failed)) }

  @Test("in a workflow good steps become groups and the failing one does not")
  func workflow() throws { try Golden.expect("workflow", Self.lines(ScriptedBuild.failed, forWorkflow: true)) }

  @Test("a step is announced again when the output switches to it")
  func switches() {
    let events = ScriptedBuild.events([
      (0, .planned(ScriptedBuild.planned)), (0, .stepStarted(step: 1)), (0, .stepStarted(step: 3)),
      (0, .output(step: 3, stream: .stdout, line: "a")), (0, .output(step: 1, stream: .stdout, line: "b")),
      (0, .output(step: 1, stream: .stdout, line: "c")), (0, .output(step: 3, stream: .stdout, line: "d")),
    ])
    let one = "#1 [build] FROM localhost:4480/dev/base:1"
    let three = "#3 [build] RUN npm ci --omit=dev"
    #expect(
      Self.lines(events) == [
        "plan: 3 steps", one, three, "#3 0.00 a", one, "#1 0.00 b", "#1 0.00 c", three, "#3 0.00 d",
      ]
    )
  }

  @Test("a step that prints without end is shown as it runs, in a workflow too")
  func endless() {
    let list: [(milliseconds: Int64, kind: BuildEvent.Kind)] =
      [(0, .planned(ScriptedBuild.planned)), (0, .stepStarted(step: 3))]
      + (0..<6000).map { (0, .output(step: 3, stream: .stdout, line: "line \($0)")) }
    let lines = Self.lines(ScriptedBuild.events(list), forWorkflow: true)
    #expect(lines.count == 6002)
    #expect(!lines.contains { $0.hasPrefix("::") })
  }

  @Test("an annotation names file and line and escapes what the runner would take for its own")
  func annotation() {
    let failure = Failure(
      .invalidArgument,
      reason: "x",
      "50% of\nit",
      source: SourceExcerpt(file: "a:b,c", text: "x", lines: 1...1),
      hint: "y"
    )
    #expect(WorkflowAnnotation.error(failure) == "::error file=a%3Ab%2Cc,line=1::50%25 of%0Ait%0Ahint: y")
  }
}
