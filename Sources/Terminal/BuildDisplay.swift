import Diagnostics

/// Shows one build on standard error while it runs: draws at most ten times a second, however many events come.
///
/// Ownership: one task feeds events with `show`; whoever owns it calls `tick` about every `interval` and `finish` once.
package actor BuildDisplay {
  /// Between two redraws.
  package static let interval: Duration = .milliseconds(100)

  private let console: Console
  private let environment: [String: String]
  private let clock: WallClock
  private let appearance: Appearance
  private let mode: ProgressMode
  private var tty: TTYProgress
  private var screen = LiveScreen()
  private var plain: PlainProgress

  /// `mode` must be resolved; `auto` counts as `plain`.
  package init(
    mode: ProgressMode,
    title: String,
    appearance: Appearance,
    environment: [String: String],
    console: Console = .standardError,
    clock: WallClock = .system
  ) {
    self.console = console
    self.environment = environment
    self.clock = clock
    self.appearance = appearance
    self.mode = mode == .auto ? .plain : mode
    tty = TTYProgress(title: title)
    plain = PlainProgress(
      forWorkflow: environment["GITHUB_ACTIONS"] == "true",
      keepsColor: appearance.usesColor
    )
  }

  /// The fold of the events so far.
  package var progress: BuildProgress { tty.progress }

  /// Takes the next event; `json` is the line it came in.
  package func show(_ event: BuildEvent, json: String) {
    tty.apply(event)
    switch mode {
    case .plain, .auto: console.write(lines: plain.lines(for: event))
    case .json: console.write(json + "\n")
    case .tty, .quiet: break
    }
  }

  /// Redraws what is redrawn in place.
  package func tick() {
    guard mode == .tty else { return }
    let size = console.size
    var look = appearance
    // One column stays free: a full line makes some terminals wrap before the line end.
    look.width = max(20, (size?.columns ?? console.width(environment: environment)) - 1)
    let frame = tty.frame(at: clock.now(), rows: size?.rows ?? 24, look)
    console.write(screen.draw(frame, width: look.width.map { $0 + 1 } ?? 80))
  }

  /// The last drawing; prints the ending card, or nothing when the build goes on without us.
  package func finish(card: EndingCard?) {
    tick()
    guard let card else { return }
    switch mode {
    case .json: return
    case .quiet:
      if case .succeeded = progress.outcome { return }
    case .tty, .plain, .auto: break
    }
    if case .failed(let failure) = progress.outcome, environment["GITHUB_ACTIONS"] == "true" {
      console.write(lines: [WorkflowAnnotation.error(failure)])
    }
    let lines = card.lines(appearance)
    console.write(lines: lines.isEmpty ? [] : [""] + lines)
  }
}
