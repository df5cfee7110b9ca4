import API
import ArgumentParser
import RPC
import Terminal

/// `version rollback APP VERSION`.
struct VersionRollbackCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rollback",
    abstract: "Serve an earlier version from now on",
    usage: "kindling version rollback <app> <version> [options]",
    discussion: """
      Nothing is built: the version runs the image that it had.

      Example:
        kindling version rollback hello 1
      """
  )

  @Argument(help: "The app: hello, or acme:hello")
  var app: String

  @Argument(help: "The version's number")
  var version: UInt32

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let app = try await AppTarget.find(app, shared)
    var request = Dodil_Ignite_V1_RollbackAppRequest()
    request.organizationName = app.organization
    request.appName = app.name
    request.version = version
    let message = request
    let answer = try await app.access.call { try await $0.rollbackApp(message) }
    switch shared.output {
    case .json: try Messages.print(answer)
    case .table: Console.standardOutput.write("version \(answer.activeVersion) is served\n")
    }
  }
}
