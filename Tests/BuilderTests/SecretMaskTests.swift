import Diagnostics
import Dockerfile
import Foundation
import OCI
import Storage
import SystemPackage
import Testing

@testable import Builder

@Suite("The mask of secrets")
struct SecretMaskTests {
  private let mask = SecretMask([SecretValue("s3cr/t va+ue"), SecretValue("no")])

  @Test(
    "hides a value as it is, in base64 and percent-encoded, and leaves short ones alone",
    arguments: [
      ("say s3cr/t va+ue now", "say *** now"), ("czNjci90IHZhK3Vl", "***"), ("czNjci90IHZhK3VlCg==", "***=="),
      ("?t=s3cr%2Ft%20va%2Bue&x", "?t=***&x"), ("no, none", "no, none"), ("s3cr/t va", "s3cr/t va"),
    ])
  func texts(text: String, expected: String) {
    #expect(mask.text(text) == expected)
    #expect(mask.isIn(text) == (text != expected))
  }

  @Test("hides long values as base64 wraps them")
  func wrapped() {
    let value = String((0..<200).map { Character(Unicode.Scalar(UInt8(0x41 + $0 % 26))) })
    let text = Data(value.utf8).base64EncodedString(options: [.lineLength76Characters, .endLineWithLineFeed])
    let masked = SecretMask([SecretValue(value)]).text("<" + text + ">")
    for line in text.split(separator: "\n") { #expect(!masked.contains(line), "\(masked)") }
  }

  @Test("goes over every part of a failure and of what is reported")
  func parts() {
    let failure = Failure(
      .internal, reason: "r", "a s3cr/t va+ue",
      source: SourceExcerpt(file: "D", text: "RUN s3cr/t va+ue", lines: 1...1),
      hint: "h s3cr/t va+ue", cause: "c s3cr/t va+ue")
    let text = mask.failure(failure).description
    #expect(!text.contains("s3cr/t") && text.contains("***"), "\(text)")
    let step = BuildEvent.PlannedStep(step: 1, stage: "s", instruction: "RUN s3cr/t va+ue", line: 1)
    let report = BuildEvent.StepReport(step: 1, result: .ran, durationMilliseconds: 1, reason: "s3cr/t va+ue")
    for kind: BuildEvent.Kind in [
      .planned([step]), .note("s3cr/t va+ue"), .warning("s3cr/t va+ue", source: failure.source), .stepFinished(report),
    ] {
      #expect(!String(describing: mask.event(kind)).contains("s3cr/t"), "\(kind.name)")
    }
  }

  @Test("is nothing without secrets")
  func empty() {
    #expect(SecretMask([]).text("text") == "text" && !SecretMask([]).isIn("text"))
    #expect(SecretMask([SecretValue("abc")]).isEmpty)
  }
}

@Suite("Secrets as arguments")
struct SecretArgumentTests {
  private func plan(_ text: String, arguments: [String: String] = [:]) async throws -> BuildPlan {
    var order = BuildOrder(
      workName: "bld_test", source: .archive("/nowhere"), dockerfile: "Dockerfile", buildArgs: arguments,
      platform: .host, noCache: false, organization: try OrganizationName("dev"))
    order.secretArguments = ["TOKEN": SecretValue("s3cret-token"), "PIN": SecretValue("12")]
    var planner = Planner(
      dockerfile: try DockerfileParser.parse(text, file: "Dockerfile"), order: order, bases: FakeBases(),
      mask: order.mask)
    return try await planner.plan()
  }

  @Test("reach commands and no history, short ones and what is made of them included")
  func history() async throws {
    let plan = try await plan(
      "FROM busybox AS one\nARG TOKEN\nARG PIN\nARG URL=https://$TOKEN@h\nRUN a\nFROM one\nRUN c\n")
    #expect(plan.secretArguments == ["PIN", "TOKEN"])
    let steps = plan.stages.flatMap(\.steps)
    let runs = steps.compactMap { if case .run(let action) = $0.action { action } else { nil } }
    #expect(runs.first?.environment.contains("TOKEN=s3cret-token") == true && runs.first?.seesSecrets == true)
    #expect(runs.first?.environment.contains("PIN=12") == true)
    #expect(!steps.contains { $0.history.contains("s3cret") || $0.history.contains("PIN=1") }, "\(steps)")
    #expect(plan.warnings.isEmpty || !plan.warnings.contains { $0.text.contains("into the image") })
  }

  @Test("that an instruction writes into the image are warned of with its line, whatever they are called by then")
  func warnings() async throws {
    let plan = try await plan(
      "FROM busybox\nARG TOKEN\nARG PIN\nENV A=$TOKEN B=1\nLABEL c=$A\nUSER $PIN\nRUN echo $TOKEN\nWORKDIR /x\n")
    let warned = plan.warnings.filter { $0.text.contains("into the image") }
    #expect(warned.map { $0.source?.firstLine } == [4, 5, 6], "\(warned)")
    #expect(warned.map { $0.text.contains("'TOKEN'") } == [true, true, false])
  }

  @Test("lose against arguments of the request, which are as they were")
  func clash() async throws {
    let plan = try await plan("FROM busybox\nARG TOKEN\nRUN a\n", arguments: ["TOKEN": "mine"])
    #expect(plan.secretArguments == [])
    guard case .run(let action)? = plan.stages[0].steps.last?.action else {
      Issue.record("no RUN")
      return
    }
    #expect(action.environment.contains("TOKEN=mine") && !action.seesSecrets)
    #expect(plan.stages[0].steps.last?.history.contains("TOKEN=mine") == true)
  }

  @Test("give steps keys that nobody can make without the data directory's own")
  func keys() {
    let plain = Digest(sha256Of: Array("inputs".utf8))
    #expect(CacheKey.keyed(plain, with: [1]) != CacheKey.keyed(plain, with: [2]))
    #expect(CacheKey.keyed(plain, with: [1]) != plain)
    #expect(CacheKey.keyed(plain, with: [1]) == CacheKey.keyed(plain, with: [1]))
  }
}
