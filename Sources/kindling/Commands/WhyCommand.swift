import ArgumentParser
import Diagnostics
import Foundation
import RPC
import Synchronization
import Terminal

/// `why BUILD [STEP]`.
struct WhyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "why",
    abstract: "Tell why a build's steps ran or were cached",
    usage: "kindling why <build> [<step>] [options]",
    discussion: """
      A step is compared with the last build of the same name. Of a running build \
      the steps are told as they end.

      Example:
        kindling why ^0
        kindling why ^0 4
      """
  )

  @Argument(help: "The build's id, its beginning, or ^0 for the newest")
  var build: String

  @Argument(help: "The number of one step, as the log has it")
  var step: Int?

  @OptionGroup var shared: SharedOptions

  /// A step as `--output json` prints it, one a line.
  private struct Told: Encodable, Sendable {
    var step: Int
    var stage: String
    var instruction: String
    var result: BuildEvent.StepReport.Result
    var reason: String?
    var durationMilliseconds: Int64

    var lines: [String] {
      let result =
        switch self.result {
        case .ran: "ran"
        case .cached: "cached"
        case .failed: "failed"
        case .cancelled: "cancelled"
        }
      let reason = self.reason.map { ": \($0)" } ?? ""
      return ["#\(step) [\(stage)] \(Escape.tamed(instruction))", "   \(result)\(Escape.tamed(reason))"]
    }
  }

  func run() async throws {
    let access = try await ServerAccess.find(shared)
    let (build, wanted) = (build, step)
    let id = try await access.call { client in try await BuildLookup.id(build, client) }
    let prints = shared.output
    let state = Mutex<(plan: [BuildEvent.PlannedStep], told: Int, failure: Failure?)>(([], 0, nil))
    try await Deadline.bounded(access.timeout, what: "build '\(id)'") {
      try await EventStream(access: access, buildID: id).follow { event, _ in
        state.withLock { state in
          switch event.kind {
          case .planned(let plan): state.plan = plan
          case .stepFinished(let report) where wanted == nil || wanted == report.step:
            guard state.failure == nil, let planned = state.plan.first(where: { $0.step == report.step }) else {
              return
            }
            state.told += 1
            do throws(Failure) { try Self.print(planned, report, prints) } catch { state.failure = error }
          default: break
          }
        }
      }
    }
    let (plan, told, failure) = state.withLock { $0 }
    if let failure { throw failure }
    guard let wanted, told == 0 else { return }
    throw Failure(
      .notFound, reason: "step-not-found",
      plan.contains { $0.step == wanted }
        ? "step \(wanted) of '\(id)' was never begun" : "'\(id)' has no step \(wanted), only \(plan.count) of them",
      hint: "see all of them with: kindling why \(id)")
  }

  private static func print(
    _ planned: BuildEvent.PlannedStep, _ report: BuildEvent.StepReport, _ output: OutputFormat
  ) throws(Failure) {
    let told = Told(
      step: planned.step, stage: planned.stage, instruction: planned.instruction, result: report.result,
      reason: report.reason, durationMilliseconds: report.durationMilliseconds)
    var text = told.lines.joined(separator: "\n")
    if output == .json {
      do {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        text = String(decoding: try encoder.encode(told), as: UTF8.self)
      } catch { throw Failure(wrapping: error, while: "writing a step as JSON") }
    }
    guard Console.standardOutput.write(text + "\n") else { throw Failure.readerGone }
  }
}
