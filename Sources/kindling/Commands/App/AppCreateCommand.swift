import API
import ArgumentParser
import RPC
import Terminal

/// `app create NAME`.
struct AppCreateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Make an app, without code yet",
    usage: "kindling app create <app> [options]",
    discussion: """
      Example:
        kindling app create hello --tier small --env MODE=prod
      """
  )

  @Argument(help: "The app: hello, or acme:hello")
  var app: String

  @OptionGroup var options: AppOptions
  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let app = try await AppTarget.find(app, shared)
    if let warning = options.warning { Console.standardError.write(warning + "\n") }
    let message = options.creation(of: app)
    let answer = try await app.access.call { try await $0.createApp(message) }
    switch shared.output {
    case .json: try Messages.print(answer)
    case .table:
      Console.standardOutput.write(app.id + "\n")
      Console.standardError.write("created; give it code with: kindling app deploy \(app.id) --code .\n")
    }
  }
}
