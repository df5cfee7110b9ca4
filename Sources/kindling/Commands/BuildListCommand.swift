import API
import ArgumentParser
import Diagnostics
import RPC
import Terminal

/// `build list`.
struct BuildListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List builds, newest first",
    usage: "kindling build list [options]",
    discussion: """
      Example:
        kindling build list --status failed --limit 10
      """
  )

  @Option(help: "Only builds that are pending, running, succeeded, failed or cancelled")
  var status: StatusFilter?

  @Option(help: "How many at most, 1 to 200")
  var limit: UInt32 = 50

  @Option(help: "Where the last page ended")
  var cursor: String = ""

  @OptionGroup var shared: SharedOptions

  func validate() throws {
    guard (1...200).contains(limit) else { throw ValidationError("--limit is \(limit), but must be 1 to 200") }
  }

  func run() async throws {
    let access = try await ServerAccess.find(shared)
    var request = Dodil_Ignite_V1_ListBuildsRequest()
    request.status = status?.message ?? .unspecified
    request.limit = limit
    request.cursor = cursor
    let message = request
    let page = try await access.call { try await $0.listBuilds(message) }
    switch shared.output {
    case .json: try Messages.print(page)
    case .table:
      guard !page.builds.isEmpty else {
        Console.standardError.write("no builds; make one with: kindling build .\n")
        return
      }
      Console.standardOutput.write(
        lines: BuildTable.list(page.builds, now: WallClock.system.now()).lines(Console.standardOutput.appearance)
      )
      if !page.nextCursor.isEmpty {
        Console.standardError.write("more with --cursor \(page.nextCursor)\n")
      }
    }
  }
}

/// A status as people write it: `failed`, `FAILED` or `BUILD_STATUS_FAILED`.
enum StatusFilter: String, CaseIterable, Sendable, ExpressibleByArgument {
  case pending, running, succeeded, failed, cancelled

  init?(argument: String) {
    let word = argument.lowercased()
    self.init(rawValue: word.hasPrefix("build_status_") ? String(word.dropFirst(13)) : word)
  }

  var message: Dodil_Ignite_V1_BuildStatus {
    switch self {
    case .pending: .pending
    case .running: .running
    case .succeeded: .succeeded
    case .failed: .failed
    case .cancelled: .cancelled
    }
  }
}
