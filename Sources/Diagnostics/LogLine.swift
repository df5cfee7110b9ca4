/// One line of a build's log as people read it: a rendering of events, never stored.
package struct LogLine: Sendable, Hashable {
  package var at: Timestamp
  package var text: String
  package init(at: Timestamp, text: String) {
    self.at = at
    self.text = text
  }
}

extension BuildEvent {
  /// The event as plain log lines: steps are announced as `#4 RUN make`, their output is prefixed `#4 12.31`.
  ///
  /// `plan` is what an earlier `planned` event said, and `started` when the step in question began.
  package func logLines(plan: [PlannedStep], stepStartedAt: Timestamp?) -> [LogLine] {
    plainText(plan: plan, stepStartedAt: stepStartedAt).map { LogLine(at: at, text: $0) }
  }

  private func plainText(plan: [PlannedStep], stepStartedAt: Timestamp?) -> [String] {
    switch kind {
    case .queued: return ["queued"]
    case .waiting(let wait): return [wait.text]
    case .started: return ["started"]
    case .fetch(let progress): return ["fetch: \(progress.text)"]
    case .transfer(let progress): return [progress.text]
    case .source(let summary): return ["context: \(summary.files) files, \(summary.size)"]
    case .planned(let steps): return ["plan: \(steps.count) steps"]
    case .note(let text): return text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    case .warning(let text, let source):
      return ["warning: \(text)"] + (source.map { $0.text.split(separator: "\n").map(String.init) } ?? [])
    case .stepStarted(let step):
      guard let planned = plan.first(where: { $0.step == step }) else { return ["#\(step)"] }
      return ["#\(step) [\(planned.stage)] \(planned.instruction)"]
    case .output(let step, _, let line):
      return [Self.outputPrefix(of: step, startedAt: stepStartedAt, at: at) + line]
    case .stepFinished(let report):
      let time = Self.seconds(milliseconds: report.durationMilliseconds)
      switch report.result {
      case .ran:
        // "first time" and the like tell nobody who watches a build anything new.
        let change = report.reason.flatMap { $0.hasPrefix("changed") ? " (\($0))" : nil } ?? ""
        return ["#\(report.step) done \(time)s" + (report.layer.map { ", layer \($0)" } ?? "") + change]
      case .cached: return ["#\(report.step) cached" + (report.reason.map { " (\($0))" } ?? "")]
      case .failed: return ["#\(report.step) failed after \(time)s"]
      case .cancelled: return ["#\(report.step) cancelled after \(time)s"]
      }
    case .image(let image):
      let size = "size: \(image.size) in \(image.layers) layers"
      return image.references.map { "image: \($0)@\(image.digest)" } + [size]
    case .finished(.succeeded(let milliseconds, let cached)):
      // A compile of an app counts none of its own; the steps above say it.
      let steps = cached == 0 ? "" : ", \(cached) step\(cached == 1 ? "" : "s") cached"
      return ["succeeded in \(Self.seconds(milliseconds: milliseconds))s" + steps]
    case .finished(.failed(let failure)):
      let letter = "failed: " + failure.description
      return letter.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    case .finished(.cancelled): return ["cancelled"]
    }
  }

  fileprivate static func outputPrefix(of step: Int, startedAt: Timestamp?, at: Timestamp) -> String {
    "#\(step) \(seconds(from: startedAt, to: at)) "
  }

  private static func seconds(from start: Timestamp?, to end: Timestamp) -> String {
    seconds(milliseconds: start.map { Swift.max(0, end.milliseconds - $0.milliseconds) } ?? 0)
  }

  /// `12.31` for 12,310 ms; two digits after the point, without a locale.
  package static func seconds(milliseconds: Int64) -> String {
    let hundredths = (milliseconds + 5) / 10
    let rest = hundredths % 100
    return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest)"
  }
}

/// Renders a build's events to log lines in order, remembering the plan and when steps began.
package struct LogRenderer: Sendable {
  private var plan: [BuildEvent.PlannedStep] = []
  private var startedAt: [Int: Timestamp] = [:]
  /// `#4 12.31 `, which stands before many lines in a row.
  private var prefix = (step: 0, at: Timestamp(milliseconds: .min), text: "")
  package init() {}

  package mutating func lines(for event: BuildEvent) -> [LogLine] {
    var lines: [LogLine] = []
    append(event, to: &lines)
    return lines
  }

  package mutating func append(_ event: BuildEvent, to lines: inout [LogLine]) {
    switch event.kind {
    case .output(let step, _, let line):
      if prefix.step != step || prefix.at != event.at {
        prefix = (step, event.at, BuildEvent.outputPrefix(of: step, startedAt: startedAt[step], at: event.at))
      }
      lines.append(LogLine(at: event.at, text: prefix.text + line))
      return
    case .planned(let steps): plan = steps
    case .stepStarted(let step):
      startedAt[step] = event.at
      prefix.step = 0
    default: break
    }
    lines += event.logLines(plan: plan, stepStartedAt: nil)
  }
}
