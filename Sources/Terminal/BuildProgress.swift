import Diagnostics

/// How far a build is: the fold of its events, from which every display draws.
package struct BuildProgress: Sendable {
  package struct Step: Sendable {
    package enum State: Sendable, Hashable {
      case waiting
      case running(since: Timestamp)
      case finished(BuildEvent.StepReport)
    }
    package var planned: BuildEvent.PlannedStep
    package var state: State = .waiting
    /// The last lines it printed, tamed; at most `keptLines`.
    package var lastLines: [String] = []
    package var lineCount = 0
  }

  /// How many of a step's last lines are kept for the letter of a failure.
  static let keptLines = 10

  package private(set) var steps: [Step] = []
  package private(set) var queuedAt: Timestamp?
  /// Why it waits; nil until that was told.
  package private(set) var wait: QueueWait?
  package private(set) var isStarted = false
  /// How far the fetch of the source is; nil before it and after.
  package private(set) var fetch: BuildEvent.FetchProgress?
  /// What comes over the network now, in the order it began.
  package private(set) var transfers: [BuildEvent.TransferProgress] = []
  package private(set) var image: BuildEvent.ImageSummary?
  package private(set) var outcome: BuildEvent.Outcome?
  /// When the last event happened.
  package private(set) var lastEventAt: Timestamp?
  /// Sequence number of the last event seen, 0 before the first: where a broken connection resumes.
  package private(set) var lastSequence = 0

  package init() {}

  package mutating func apply(_ event: BuildEvent) {
    lastSequence = max(lastSequence, event.sequence)
    lastEventAt = event.at
    switch event.kind {
    case .queued: queuedAt = event.at
    case .waiting(let news): wait = news
    case .started: isStarted = true
    case .planned(let planned): steps = planned.map { Step(planned: $0) }
    case .stepStarted(let number): update(number) { $0.state = .running(since: event.at) }
    case .output(let number, _, let line):
      update(number) { step in
        step.lineCount += 1
        step.lastLines.append(Escape.tamed(line))
        if step.lastLines.count > Self.keptLines { step.lastLines.removeFirst() }
      }
    case .stepFinished(let report): update(report.step) { $0.state = .finished(report) }
    case .image(let summary): image = summary
    case .finished(let result): outcome = result
    case .fetch(let summary): fetch = summary
    case .source: fetch = nil
    case .transfer(let progress): note(progress)
    case .note, .warning: break
    }
  }

  private mutating func note(_ progress: BuildEvent.TransferProgress) {
    let index = transfers.firstIndex { $0.kind == progress.kind && $0.name == progress.name }
    switch (index, progress.isDone) {
    case (let index?, true): transfers.remove(at: index)
    case (let index?, false): transfers[index] = progress
    case (nil, true): break
    case (nil, false): transfers.append(progress)
    }
  }

  private mutating func update(_ number: Int, _ change: (inout Step) -> Void) {
    guard let index = steps.firstIndex(where: { $0.planned.step == number }) else { return }
    change(&steps[index])
  }

  package func step(_ number: Int) -> Step? { steps.first { $0.planned.step == number } }

  /// Reports of the steps that are over.
  package var reports: [BuildEvent.StepReport] {
    steps.compactMap { if case .finished(let report) = $0.state { report } else { nil } }
  }
  package var cachedSteps: Int { reports.count { $0.result == .cached } }
  package var runningSteps: [Step] {
    steps.filter { if case .running = $0.state { true } else { false } }
  }
  package var failedStep: Step? {
    steps.first { if case .finished(let report) = $0.state { report.result == .failed } else { false } }
  }

  /// What the failed step printed last.
  package var evidence: FailureText.Evidence? {
    failedStep.map { FailureText.Evidence(lines: $0.lastLines, total: $0.lineCount) }
  }

  /// `step 5/9 failed after 3.1 s`; nil when no step failed.
  package var failureHeadline: String? {
    guard let step = failedStep, case .finished(let report) = step.state else { return nil }
    let time = DurationText.spaced(milliseconds: report.durationMilliseconds)
    return "step \(step.planned.step)/\(steps.count) failed after \(time)"
  }
}
