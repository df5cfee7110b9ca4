import API
import ArgumentParser
import RPC
import Terminal

/// `draft test APP`.
struct DraftTestCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test",
    abstract: "Call an app's draft before it is published",
    usage: "kindling draft test <app> [-p <text>] [options]",
    discussion: """
      Prints the body of the answer; exits with 1 when its status is 400 or more.

      Example:
        kindling draft test hello -p '{"name": "world"}'
      """
  )

  @Argument(help: "The app: hello, or acme:hello")
  var app: String

  @OptionGroup var call: CallOptions
  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let app = try await AppTarget.find(app, shared)
    var request = Dodil_Ignite_V1_TestDraftRequest()
    request.organizationName = app.organization
    request.appName = app.name
    request.http = call.http
    request.body = try call.body()
    let message = request
    let answer = try await app.access.stream { try await $0.testDraft(message) }
    switch shared.output {
    case .json: try Messages.print(answer)
    case .table: Console.standardOutput.write(bytes: answer.body)
    }
    try AppCalling.judge(answer.statusCode, app)
  }
}
