import API
import ArgumentParser
import Diagnostics
import RPC
import Terminal

/// `app list`.
struct AppListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List apps",
    usage: "kindling app list [options]",
    discussion: """
      Example:
        kindling app list --limit 10
      """
  )

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
    var request = Dodil_Ignite_V1_ListAppsRequest()
    request.organizationName = try access.organization(shared)
    request.limit = limit
    request.cursor = cursor
    let message = request
    let page = try await access.call { try await $0.listApps(message) }
    guard shared.output == .table else { return try Messages.print(page) }
    guard !page.apps.isEmpty else {
      Console.standardError.write("no apps; make one with: kindling app deploy NAME --code .\n")
      return
    }
    let table = AppTable.list(page.apps, now: WallClock.system.now())
    Console.standardOutput.write(lines: table.lines(Console.standardOutput.appearance))
    if !page.nextCursor.isEmpty { Console.standardError.write("more with --cursor \(page.nextCursor)\n") }
  }
}
