import Diagnostics

/// Builds as lists of events, for the displays to draw.
enum ScriptedBuild {
  static let digest = "sha256:9f2c" + String(repeating: "0", count: 56) + "41aa"

  static let planned = [
    BuildEvent.PlannedStep(step: 1, stage: "build", instruction: "FROM localhost:4480/dev/base:1", line: 1),
    BuildEvent.PlannedStep(
      step: 2,
      stage: "build",
      instruction: "COPY --from=tools /usr/local/share/lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm",
      line: 2
    ),
    BuildEvent.PlannedStep(step: 3, stage: "build", instruction: "RUN npm ci --omit=dev", line: 3),
  ]

  /// Numbers the kinds and lets `milliseconds` pass between them.
  static func events(_ list: [(milliseconds: Int64, kind: BuildEvent.Kind)]) -> [BuildEvent] {
    var now: Int64 = 1_000_000
    return list.enumerated().map { index, item in
      now += item.milliseconds
      return BuildEvent(sequence: index + 1, at: Timestamp(milliseconds: now), kind: item.kind)
    }
  }

  static let beginning: [(milliseconds: Int64, kind: BuildEvent.Kind)] = [
    (0, .queued), (10, .started), (5, .source(.init(files: 12, size: ByteCount(34_000)))), (5, .planned(planned)),
    (0, .stepStarted(step: 1)), (300, .stepFinished(.init(step: 1, result: .ran, durationMilliseconds: 300))),
    (0, .stepStarted(step: 2)), (1, .stepFinished(.init(step: 2, result: .cached, durationMilliseconds: 1))),
    (0, .note("npm registry mirror is not set")), (0, .stepStarted(step: 3)),
    (1200, .output(step: 3, stream: .stdout, line: "added 41 packages")),
    (400, .output(step: 3, stream: .stderr, line: "\u{1b}[31mnpm ERR!\u{1b}[0m network request failed\r")),
  ]

  static let running = events(beginning)

  static let succeeded = events(
    beginning + [
      (
        1500,
        .stepFinished(.init(step: 3, result: .ran, durationMilliseconds: 3100, layer: ByteCount(6_100_000)))
      ),
      (
        10,
        .image(
          .init(
            references: ["localhost:4480/dev/app:latest", "localhost:4480/dev/app:v1"],
            digest: digest,
            size: ByteCount(84_000_000),
            layers: 4
          )
        )
      ), (5, .finished(.succeeded(durationMilliseconds: 3436, cachedSteps: 1))),
    ]
  )

  static let excerpt = SourceExcerpt(
    file: "Dockerfile",
    text: "FROM base\nCOPY package.json .\nRUN npm ci --omit=dev\nCOPY . .\n",
    lines: 3...3
  )

  static let failure = Failure(
    .failedPrecondition,
    reason: "step-failed",
    "exit status 2",
    source: excerpt,
    hint: "this server was started with --network none; start it with --network open, or vendor the packages"
  )

  static let failed = events(
    beginning + [
      (1500, .stepFinished(.init(step: 3, result: .failed, durationMilliseconds: 3100))),
      (5, .finished(.failed(failure))),
    ]
  )
}

extension [String] {
  var text: String { joined(separator: "\n") }
}
