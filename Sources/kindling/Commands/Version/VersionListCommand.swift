import API
import ArgumentParser
import Diagnostics
import RPC
import Terminal

/// `version list APP`.
struct VersionListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List an app's versions, newest first",
    usage: "kindling version list <app> [options]",
    discussion: """
      Example:
        kindling version list hello
      """
  )

  @Argument(help: "The app: hello, or acme:hello")
  var app: String

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let app = try await AppTarget.find(app, shared)
    var request = Dodil_Ignite_V1_ListAppVersionsRequest()
    request.organizationName = app.organization
    request.appName = app.name
    let message = request
    let answer = try await app.access.call { try await $0.listAppVersions(message) }
    guard shared.output == .table else { return try Messages.print(answer) }
    guard !answer.versions.isEmpty else {
      Console.standardError.write("no versions; publish one with: kindling draft publish \(app.id)\n")
      return
    }
    let table = AppTable.list(answer.versions, now: WallClock.system.now())
    Console.standardOutput.write(lines: table.lines(Console.standardOutput.appearance))
  }
}
