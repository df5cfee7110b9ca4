import Diagnostics

/// A build's progress on a terminal: settled lines scroll away for good, the live ones below them are redrawn.
///
/// Here: the counting line stands below the running steps instead of above all steps, so that a step's line is
/// printed once and scrollback stays true however long the plan is.
package struct TTYProgress: Sendable {
  /// What to draw now.
  package struct Frame: Sendable, Hashable {
    /// Lines printed once, above; never touched again.
    package var settled: [String]
    /// Lines drawn at the bottom until the next frame.
    package var live: [String]
  }

  /// Running steps younger than this are not drawn: a line that flashes tells nothing.
  static let quietMilliseconds: Int64 = 50
  /// Lines of a running step's output shown below it.
  static let tail = 5

  package private(set) var progress = BuildProgress()
  private var pending: [Item]

  /// What will be printed once, kept as facts so that it is fitted to the width at the moment of printing.
  private enum Item: Sendable {
    case title(String)
    case step(BuildProgress.Step, BuildEvent.StepReport, of: Int)
    case note(String)
    case warning(String, SourceExcerpt?)
  }

  /// `title` says what is built from where, such as `Building app from .`.
  package init(title: String) {
    pending = [.title(title)]
  }

  package mutating func apply(_ event: BuildEvent) {
    progress.apply(event)
    switch event.kind {
    case .stepFinished(let report):
      guard let step = progress.step(report.step) else { return }
      pending.append(.step(step, report, of: progress.steps.count))
    case .note(let text): pending.append(.note(text))
    case .transfer(let progress): if progress.isDone { pending.append(.note(progress.text)) }
    case .warning(let text, let source): pending.append(.warning(text, source))
    case .queued, .waiting, .started, .fetch, .source, .planned, .stepStarted, .output, .image, .finished: break
    }
  }

  /// The lines that became final since the last frame, and the live ones as of `now`; `rows` bounds the live ones.
  package mutating func frame(at now: Timestamp, rows: Int, _ appearance: Appearance) -> Frame {
    let width = appearance.width ?? 80
    let settled = pending.flatMap { lines(of: $0, width: width, appearance) }
    pending = []
    guard progress.outcome == nil else { return Frame(settled: settled, live: []) }
    return Frame(settled: settled, live: live(at: now, rows: rows, width: width, appearance))
  }

  private func lines(of item: Item, width: Int, _ appearance: Appearance) -> [String] {
    switch item {
    case .title(let text):
      return [appearance.paint(text.truncated(to: width, ellipsis: appearance.ellipsis), .strong)]
    case .step(let step, let report, let count):
      let (mark, note): (Mark, String) =
        switch report.result {
        case .ran: (.done, DurationText.compact(milliseconds: report.durationMilliseconds))
        case .cached: (.cached, "cached")
        case .failed: (.failed, DurationText.compact(milliseconds: report.durationMilliseconds))
        case .cancelled: (.skipped, "cancelled")
        }
      let line = row(mark, step, of: count, note: note, width: width, appearance)
      guard let reason = Self.news(in: report) else { return [line] }
      let below = ("    " + Escape.tamed(reason)).truncated(to: width, ellipsis: appearance.ellipsis)
      return [line, appearance.paint(below, .faint)]
    case .note(let text):
      return text.split(separator: "\n").map {
        appearance.paint(("  " + Escape.tamed(String($0))).truncated(to: width, ellipsis: appearance.ellipsis), .faint)
      }
    case .warning(let text, let source):
      let title = Escape.tamed(text).truncated(to: max(1, width - 2), ellipsis: appearance.ellipsis)
      let excerpt = source?.text.split(separator: "\n").map {
        ("  " + Escape.tamed(String($0))).truncated(to: width, ellipsis: appearance.ellipsis)
      }
      return ["\(appearance.paint(.warning)) \(title)"] + (excerpt ?? [])
    }
  }

  /// What began the change: the steps above it were cached, those below it run because of it.
  private static func news(in report: BuildEvent.StepReport) -> String? {
    guard report.result != .cached, let reason = report.reason, reason.hasPrefix("changed: ") else { return nil }
    return reason.hasPrefix("changed: layer below (step") && !reason.contains("), ") ? nil : reason
  }

  /// `✓ 4/9 RUN make                      14.2s`
  private func row(
    _ mark: Mark,
    _ step: BuildProgress.Step,
    of count: Int,
    note: String,
    width: Int,
    _ appearance: Appearance
  ) -> String {
    let total = String(count)
    let number = "\(step.planned.step)".padded(to: total.count, trailing: true) + "/" + total
    let room = width - 2 - number.count - 1 - 2 - note.displayWidth
    let instruction = InstructionText.fitted(
      step.planned.instruction,
      to: max(4, room),
      ellipsis: appearance.ellipsis
    )
    let tint: Tint = mark == .cached ? .cached : mark == .failed ? .bad : .faint
    return "\(appearance.paint(mark)) \(appearance.paint(number, .faint)) \(instruction.padded(to: max(4, room)))  "
      + appearance.paint(note, tint)
  }

  private func live(at now: Timestamp, rows: Int, width: Int, _ appearance: Appearance) -> [String] {
    let running = progress.runningSteps.filter { age(of: $0, at: now) >= Self.quietMilliseconds }
    let room = max(0, rows - 2)
    let shown = running.suffix(max(1, room))
    // Steps first, output in what is left: with many steps at once each gets less of its tail.
    let tail = shown.isEmpty ? 0 : min(Self.tail, max(0, room - shown.count) / shown.count)
    var lines: [String] = []
    for step in shown {
      let note = DurationText.compact(milliseconds: age(of: step, at: now))
      lines.append(row(.running, step, of: progress.steps.count, note: note, width: width, appearance))
      lines += step.lastLines.suffix(tail).map {
        appearance.paint(("    " + $0).truncated(to: width, ellipsis: appearance.ellipsis), .faint)
      }
    }
    return lines + [summary(at: now, width: width, appearance)]
  }

  private func age(of step: BuildProgress.Step, at now: Timestamp) -> Int64 {
    guard case .running(let since) = step.state else { return 0 }
    return max(0, now.milliseconds - since.milliseconds)
  }

  /// `4/9 steps, 2 cached   12.4s`, or why nothing runs yet.
  private func summary(at now: Timestamp, width: Int, _ appearance: Appearance) -> String {
    let elapsed = progress.queuedAt.map { max(0, now.milliseconds - $0.milliseconds) } ?? 0
    let text: String
    if progress.steps.isEmpty {
      let source = progress.fetch.map { "fetching " + $0.text } ?? "reading the context"
      text = progress.isStarted ? source : progress.wait?.text ?? "waiting for a free worker"
    } else {
      let cached = progress.cachedSteps > 0 ? ", \(progress.cachedSteps) cached" : ""
      text = "\(progress.reports.count)/\(progress.steps.count) steps\(cached)"
    }
    let coming = progress.transfers.map { ", " + Escape.tamed($0.text) }.joined()
    let line = "  " + text + coming + "  " + DurationText.compact(milliseconds: elapsed)
    return appearance.paint(line.truncated(to: width, ellipsis: appearance.ellipsis), .faint)
  }
}
