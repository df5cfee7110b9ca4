import Diagnostics

/// A build's progress as plain lines: `#4 RUN make`, `#4 12.31 line`, `#4 done 14.2s`.
///
/// A step is announced again when the output switches to it. The ending is left to `EndingCard` and `FailureText`.
package struct PlainProgress: Sendable {
  private var renderer = LogRenderer()
  private var announcements: [Int: String] = [:]
  private var current: Int?
  private var grouping: WorkflowGroups?
  private let keepsColor: Bool

  /// `forWorkflow` wraps good steps into GitHub Actions' foldable groups once they are over.
  package init(forWorkflow: Bool = false, keepsColor: Bool = false) {
    grouping = forWorkflow ? WorkflowGroups() : nil
    self.keepsColor = keepsColor
  }

  /// What to print for the next event; without line ends.
  package mutating func lines(for event: BuildEvent) -> [String] {
    let texts = renderer.lines(for: event).map { Escape.tamed($0.text, keepingColor: keepsColor) }
    switch event.kind {
    case .finished:
      return grouping?.flush() ?? []
    case .image:
      return []
    case .stepStarted(let step):
      announcements[step] = texts.first
      return ordered(texts, of: step)
    case .output(let step, _, _):
      return ordered(texts, of: step)
    case .stepFinished(let report):
      let closing = ordered(texts, of: report.step)
      current = nil
      guard grouping != nil else { return closing }
      let isGood = report.result == .ran || report.result == .cached
      return closing + (grouping?.close(report.step, isGood: isGood) ?? [])
    case .queued, .waiting, .started, .fetch, .transfer, .source, .planned, .note, .warning:
      current = nil
      return texts
    }
  }

  private mutating func ordered(_ texts: [String], of step: Int) -> [String] {
    if grouping != nil { return grouping?.hold(texts, of: step) ?? [] }
    defer { current = step }
    guard let announcement = announcements[step], current != step, texts.first != announcement else { return texts }
    return [announcement] + texts
  }
}

/// Holds each step's lines until it is known whether they may be folded away: a failing step never is.
struct WorkflowGroups: Sendable {
  /// Lines held for one step; a step that prints more is shown as it runs.
  static let most = 5000

  private var held: [Int: [String]] = [:]
  private var streaming: Set<Int> = []

  mutating func hold(_ lines: [String], of step: Int) -> [String] {
    if streaming.contains(step) { return lines }
    held[step, default: []] += lines
    guard held[step, default: []].count > Self.most else { return [] }
    streaming.insert(step)
    return held.removeValue(forKey: step) ?? []
  }

  mutating func close(_ step: Int, isGood: Bool) -> [String] {
    guard let lines = held.removeValue(forKey: step), let title = lines.first else { return [] }
    guard isGood, lines.count > 1 else { return lines }
    return ["::group::" + title] + lines.dropFirst() + ["::endgroup::"]
  }

  mutating func flush() -> [String] {
    defer { held = [:] }
    return held.keys.sorted().flatMap { held[$0] ?? [] }
  }
}

/// A GitHub Actions annotation for a failure.
package enum WorkflowAnnotation {
  /// `::error file=Dockerfile,line=12::message`, with the escapes the runner asks for.
  package static func error(_ failure: Failure) -> String {
    var place = ""
    if let source = failure.source { place = " file=\(property(source.file)),line=\(source.firstLine)" }
    let text = failure.message + (failure.hint.map { "\nhint: " + $0 } ?? "")
    return "::error\(place)::\(data(text))"
  }

  private static func data(_ text: String) -> String {
    text.replacing("%", with: "%25").replacing("\r", with: "%0D").replacing("\n", with: "%0A")
  }

  private static func property(_ text: String) -> String {
    data(text).replacing(":", with: "%3A").replacing(",", with: "%2C")
  }
}
