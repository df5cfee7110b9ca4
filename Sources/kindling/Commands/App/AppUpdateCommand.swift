import API
import ArgumentParser
import RPC
import Terminal

/// `app update NAME`: UpdateAppConfig.
struct AppUpdateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "update",
    abstract: "Change how an app runs",
    usage: "kindling app update <app> [options]",
    discussion: """
      What is not given stays; --env and --port replace all that were set.

      Example:
        kindling app update hello --tier large --max-replicas 3
      """
  )

  @Argument(help: "The app: hello, or acme:hello")
  var app: String

  @OptionGroup var options: AppOptions
  @OptionGroup var shared: SharedOptions

  func validate() throws {
    if options.storageMode != nil {
      throw ValidationError("--storage-mode is said when an app is made, and cannot be changed")
    }
    guard !options.isEmpty || options.warning != nil else {
      throw ValidationError("say what to change, such as --tier large")
    }
  }

  func run() async throws {
    let app = try await AppTarget.find(app, shared)
    if let warning = options.warning { Console.standardError.write(warning + "\n") }
    let message = options.change(of: app)
    let readiness = try await VersionReadiness(app)
    let answer = try await app.access.call { try await $0.updateAppConfig(message) }
    switch shared.output {
    case .json: try Messages.print(answer)
    case .table: Console.standardOutput.write("updated\n")
    }
    try await readiness.checkConfiguration()
  }
}
