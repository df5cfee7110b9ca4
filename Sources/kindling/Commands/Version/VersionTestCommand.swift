import API
import ArgumentParser
import Diagnostics
import RPC

/// `version test APP VERSION`: calls the version that is served; the contract has no RPC that calls another one.
struct VersionTestCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test",
    abstract: "Call an app, if it serves that version",
    usage: "kindling version test <app> <version> [-p <text>] [options]",
    discussion: """
      Example:
        kindling version test hello 2 -p '{}'
      """
  )

  @Argument(help: "The app: hello, or acme:hello")
  var app: String

  @Argument(help: "The version's number")
  var version: UInt32

  @OptionGroup var call: CallOptions
  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let app = try await AppTarget.find(app, shared)
    var request = Dodil_Ignite_V1_GetAppRequest()
    request.organizationName = app.organization
    request.appName = app.name
    let message = request
    let active = try await app.access.call { try await $0.getApp(message) }.app.activeVersion
    guard active == version else {
      throw Failure(
        .failedPrecondition, reason: "version-not-served",
        "'\(app.id)' serves \(active == 0 ? "no version yet" : "version \(active)"), and only that can be called",
        hint: "serve the other with: kindling version rollback \(app.id) \(version)")
    }
    try await AppCalling(app: app, call: call).invoke()
  }
}
