import Diagnostics
import Foundation
import Testing

@Suite("Build events")
struct BuildEventTests {
  static let failure = Failure(.failedPrecondition, reason: "run-failed", "exit status 3")
  static let kinds: [BuildEvent.Kind] = [
    .queued, .waiting(QueueWait(ahead: 3, aheadOfSameOrganization: 1, busyWorkers: 2, workers: 2)), .started,
    .fetch(.init(objects: 3, totalObjects: 0, size: ByteCount(0), durationMilliseconds: 5)),
    .fetch(.init(objects: 3, totalObjects: 9, size: ByteCount(2_000_000), durationMilliseconds: 500)),
    .transfer(
      .init(
        kind: .pull, name: "acme/base:1", size: ByteCount(12_000_000), total: ByteCount(30_000_000),
        durationMilliseconds: 2000, isDone: false)),
    .transfer(
      .init(
        kind: .download, name: "http://host/f", size: ByteCount(7), total: nil, durationMilliseconds: 9, isDone: true)),
    .source(.init(files: 2, size: ByteCount(10))),
    .planned([.init(step: 1, stage: "build", instruction: "RUN make", line: 3)]), .note("base busybox"),
    .warning("look", source: SourceExcerpt(file: "Dockerfile", text: "FROM a", lines: 1...1)),
    .warning("look", source: nil), .stepStarted(step: 1), .output(step: 1, stream: .stderr, line: "a\u{1B}[1m\r\"b"),
    .stepFinished(.init(step: 1, result: .ran, durationMilliseconds: 14_200, layer: ByteCount(84_000_000))),
    .stepFinished(.init(step: 1, result: .cached, durationMilliseconds: 0)),
    .image(.init(references: ["h/o/n:t"], digest: "sha256:00", size: ByteCount(999), layers: 3)),
    .finished(.succeeded(durationMilliseconds: 15_000, cachedSteps: 2)), .finished(.failed(failure)),
    .finished(.cancelled),
  ]

  @Test("read back from JSON as they were written", arguments: kinds)
  func roundTrip(kind: BuildEvent.Kind) throws {
    let event = BuildEvent(sequence: 7, at: Timestamp(milliseconds: 1), kind: kind)
    let bytes = try JSONEncoder().encode(event)
    #expect(try JSONDecoder().decode(BuildEvent.self, from: bytes) == event)
  }

  @Test("are refused when their word is unknown")
  func unknown() {
    let text = #"{"sequence":1,"at":1,"kind":{"kind":"exploded"}}"#
    #expect(throws: DecodingError.self) { try JSONDecoder().decode(BuildEvent.self, from: Data(text.utf8)) }
  }

  @Test("of an earlier version, without a reason, are read")
  func noReason() throws {
    let text = #"{"step":1,"result":"cached","durationMilliseconds":3}"#
    let report = try JSONDecoder().decode(BuildEvent.StepReport.self, from: Data(text.utf8))
    #expect(report == BuildEvent.StepReport(step: 1, result: .cached, durationMilliseconds: 3))
  }

  @Test(
    "say why a step was cached, and what changed when it ran",
    arguments: [
      (.cached, "inputs unchanged", "#1 cached (inputs unchanged)"),
      (.ran, "changed: command", "#1 done 0.00s (changed: command)"), (.ran, "first time", "#1 done 0.00s"),
    ] as [(BuildEvent.StepReport.Result, String, String)])
  func reason(_ result: BuildEvent.StepReport.Result, _ reason: String, _ line: String) throws {
    let report = BuildEvent.StepReport(step: 1, result: result, durationMilliseconds: 0, reason: reason)
    let event = BuildEvent(sequence: 1, at: Timestamp(milliseconds: 0), kind: .stepFinished(report))
    #expect(event.logLines(plan: [], stepStartedAt: nil).map(\.text) == [line])
    #expect(try JSONDecoder().decode(BuildEvent.self, from: try JSONEncoder().encode(event)) == event)
  }

  @Test("render as the lines of a log, steps named and timed")
  func log() {
    var renderer = LogRenderer()
    let lines = Self.kinds.enumerated().flatMap { index, kind in
      renderer.lines(
        for: BuildEvent(sequence: index + 1, at: Timestamp(milliseconds: Int64(index) * 1000), kind: kind))
    }
    #expect(
      lines.map(\.text) == [
        "queued", "waiting behind 3 builds, 1 of your organisation (2 of 2 busy)", "started", "fetch: 3 objects, 0 B",
        "fetch: 3 of 9 objects, 2.0 MB, 4.0 MB/s",
        "pulling acme/base:1: 12 MB of 30 MB, 6.0 MB/s", "downloaded http://host/f: 7 B",
        "context: 2 files, 10 B", "plan: 1 steps", "base busybox", "warning: look",
        "Dockerfile:1", "  > 1 | FROM a", "warning: look", "#1 [build] RUN make", "#1 1.00 a\u{1B}[1m\r\"b",
        "#1 done 14.20s, layer 84 MB", "#1 cached", "image: h/o/n:t@sha256:00", "size: 999 B in 3 layers",
        "succeeded in 15.00s, 2 steps cached", "failed: exit status 3", "cancelled",
      ])
  }

  @Test("the last line counts cached steps only where there are some", arguments: [(0, ""), (1, ", 1 step cached")])
  func cached(count: Int, words: String) {
    let kind = BuildEvent.Kind.finished(.succeeded(durationMilliseconds: 2000, cachedSteps: count))
    let event = BuildEvent(sequence: 1, at: Timestamp(milliseconds: 0), kind: kind)
    #expect(event.logLines(plan: [], stepStartedAt: nil).map(\.text) == ["succeeded in 2.00s" + words])
  }

  @Test(
    "sizes read as people read them",
    arguments: [
      (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (6_100_000, "6.1 MB"), (84_000_000, "84 MB"),
      (1_200_000_000, "1.2 GB"), (5_000_000_000_000, "5000 GB"),
    ])
  func sizes(bytes: Int64, text: String) { #expect(ByteCount(bytes).description == text) }
}
