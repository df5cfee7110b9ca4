import API
import ArgumentParser
import Diagnostics
import RPC
import Terminal

/// `app get NAME`.
struct AppGetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Show one app",
    usage: "kindling app get <app> [options]",
    discussion: """
      Example:
        kindling app get acme:hello -o json
      """
  )

  @Argument(help: "The app: hello, or acme:hello")
  var app: String

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let app = try await AppTarget.find(app, shared)
    var request = Dodil_Ignite_V1_GetAppRequest()
    request.organizationName = app.organization
    request.appName = app.name
    let message = request
    let answer = try await app.access.call { try await $0.getApp(message) }
    switch shared.output {
    case .json: try Messages.print(answer)
    case .table: Details.print(AppTable.details(answer.app, now: WallClock.system.now()))
    }
  }
}
