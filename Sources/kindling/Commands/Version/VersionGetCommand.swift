import API
import ArgumentParser
import Diagnostics
import RPC
import Terminal

/// `version get APP VERSION`.
struct VersionGetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Show an app as one version has it",
    usage: "kindling version get <app> <version> [options]",
    discussion: """
      Example:
        kindling version get hello 1
      """
  )

  @Argument(help: "The app: hello, or acme:hello")
  var app: String

  @Argument(help: "The version's number")
  var version: UInt32

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let app = try await AppTarget.find(app, shared)
    var request = Dodil_Ignite_V1_GetAppVersionRequest()
    request.organizationName = app.organization
    request.appName = app.name
    request.version = version
    let message = request
    let answer = try await app.access.call { try await $0.getAppVersion(message) }
    switch shared.output {
    case .json: try Messages.print(answer)
    case .table: Details.print(AppTable.details(answer.app, now: WallClock.system.now()))
    }
  }
}
