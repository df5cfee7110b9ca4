import Builder
import Diagnostics
import Synchronization
import Terminal

/// Tells a build as Kaniko does: instructions as log lines, what commands print as it is.
final class ExecutorReporter: BuildReporter {
  private let log: ExecutorLog
  private let plan = Mutex<[Int: String]>([:])

  init(_ log: ExecutorLog) { self.log = log }

  func report(_ kinds: [BuildEvent.Kind]) throws(Failure) {
    for kind in kinds { tell(kind) }
  }

  private func tell(_ kind: BuildEvent.Kind) {
    switch kind {
    case .source(let summary): log.write(.debug, "Context: \(summary.files) files, \(summary.size)")
    case .planned(let steps):
      plan.withLock { plan in for step in steps { plan[step.step] = step.instruction } }
    case .transfer(let progress): log.write(.info, progress.text)
    case .note(let text): log.write(.info, text)
    case .warning(let text, let source):
      log.write(.warning, text + (source.map { " (\($0.file):\($0.firstLine))" } ?? ""))
    case .stepStarted(let step): log.write(.info, instruction(step))
    case .output(_, let stream, let line):
      let console = stream == .stdout ? Console.standardOutput : Console.standardError
      console.write(line + "\n")
    case .stepFinished(let report):
      switch report.result {
      case .cached: log.write(.info, "Using caching version of cmd: \(instruction(report.step))")
      case .ran: log.write(.debug, "Step \(report.step) took \(report.durationMilliseconds) ms")
      case .failed, .cancelled: break
      }
    default: break
    }
  }

  private func instruction(_ step: Int) -> String { plan.withLock { $0[step] } ?? "step \(step)" }
}
