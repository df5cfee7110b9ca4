import API
import ArgumentParser
import Diagnostics
import RPC
import Terminal

/// `draft compile APP`.
struct DraftCompileCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compile",
    abstract: "Make an image of an app's draft",
    usage: "kindling draft compile <app> [--follow] [options]",
    discussion: """
      Prints the compile's id, with --follow its log and then the image.

      Example:
        kindling draft compile hello --follow
      """
  )

  @Argument(help: "The app: hello, or acme:hello")
  var app: String

  @Flag(help: "Show the log until it is over")
  var follow = false

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let app = try await AppTarget.find(app, shared)
    if follow { return try await followed(app) }
    var request = Dodil_Ignite_V1_CompileDraftRequest()
    request.organizationName = app.organization
    request.appName = app.name
    let message = request
    let answer = try await app.access.stream { try await $0.compileDraft(message) }
    switch shared.output {
    case .json: try Messages.print(answer)
    case .table:
      Console.standardOutput.write(answer.deployID + "\n")
      Console.standardError.write("watch it with: kindling draft compile-logs \(answer.deployID)\n")
    }
  }

  private func followed(_ app: AppTarget) async throws {
    let draft = try await CompileFollower(app: app).compile()
    switch shared.output {
    case .json:
      var answer = Dodil_Ignite_V1_GetDraftInfoResponse()
      answer.draft = draft
      try Messages.print(answer)
    case .table:
      Console.standardOutput.write(draft.imageRef + "\n")
      Console.standardError.write("next: kindling draft publish \(app.id)\n")
    }
  }
}
