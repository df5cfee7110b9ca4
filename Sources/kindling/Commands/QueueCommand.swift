import ArgumentParser
import Diagnostics
import Foundation
import Terminal

/// `queue [pause|resume|workers N]`.
struct QueueCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "queue",
    abstract: "Show what runs and waits; pause, resume or size it",
    usage: "kindling queue [pause|resume|workers <n>] [options]",
    discussion: """
      Organisations take turns; each one's builds run as they came. While paused, \
      nothing new begins, also after a restart; what runs goes on. The number of \
      workers is that of 'kindling start --workers' again after a restart.

      Example:
        kindling queue
        kindling queue workers 4
      """
  )

  @Argument(help: ArgumentHelp("pause, resume or workers <n>; nothing only shows it", valueName: "change"))
  var words: [String] = []

  @OptionGroup var shared: SharedOptions

  func validate() throws { _ = try change }

  private var change: QueueDocument.Change? {
    get throws {
      switch words.first {
      case nil: return nil
      case "pause" where words.count == 1: return QueueDocument.Change(paused: true)
      case "resume" where words.count == 1: return QueueDocument.Change(paused: false)
      case "workers" where words.count == 2:
        guard let count = Int(words[1]), count > 0 else {
          throw ValidationError("'\(words[1])' is no number of workers")
        }
        return QueueDocument.Change(workers: count)
      default:
        throw ValidationError("'\(words.joined(separator: " "))' is neither pause, resume nor workers <n>")
      }
    }
  }

  func run() async throws {
    let access = try await ServerAccess.find(shared)
    let queue =
      if let change = try change { try await QueueDocument.change(change, access) } else {
        try await QueueDocument.read(access)
      }
    switch shared.output {
    case .json: Console.standardOutput.write(JSONText.line(queue) + "\n")
    case .table: Console.standardOutput.write(lines: Self.lines(queue, Console.standardOutput.appearance))
    }
  }

  static func lines(_ queue: QueueDocument, _ appearance: Appearance) -> [String] {
    var lines = [
      "\(queue.running) of \(queue.workers) \(queue.workers == 1 ? "worker" : "workers") busy, \(queue.waiting) waiting"
    ]
    if let cause = queue.unavailable { lines.append("\(appearance.paint(.warning)) no build begins: \(cause)") }
    if let since = queue.pausedSinceMs {
      let moment = Timestamp(milliseconds: since).clockText
      lines.append("\(appearance.paint(.warning)) paused since \(moment); go on with: kindling queue resume")
    }
    guard !queue.builds.isEmpty else { return lines }
    let table = Table(
      columns: [
        .init("BUILD"), .init("NAME", mayShrink: true), .init("STATUS"), .init("PLACE", alignsTrailing: true),
        .init("WHY", mayShrink: true),
      ],
      rows: queue.builds.map { build in
        [
          .init(build.buildId), .init(build.name), .init(String(build.status.trimmingPrefix("BUILD_STATUS_"))),
          .init(build.position.map(String.init) ?? ""), .init(build.reason ?? ""),
        ]
      })
    let hidden = queue.ownRunning + queue.ownWaiting - queue.builds.count
    return lines + [""] + table.lines(appearance) + (hidden > 0 ? ["and \(hidden) more"] : [])
  }
}
