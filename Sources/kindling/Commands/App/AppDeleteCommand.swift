import API
import ArgumentParser
import RPC
import Terminal

/// `app delete NAME`.
struct AppDeleteCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete",
    abstract: "Stop an app and take it away with its versions",
    usage: "kindling app delete <app> [options]",
    discussion: """
      Its images stay in the registry.

      Example:
        kindling app delete hello
      """
  )

  @Argument(help: "The app: hello, or acme:hello")
  var app: String

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let app = try await AppTarget.find(app, shared)
    var request = Dodil_Ignite_V1_DeleteAppRequest()
    request.organizationName = app.organization
    request.appName = app.name
    let message = request
    let answer = try await app.access.call { try await $0.deleteApp(message) }
    switch shared.output {
    case .json: try Messages.print(answer)
    case .table: Console.standardOutput.write("deleted\n")
    }
  }
}
