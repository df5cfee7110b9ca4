import API
import ArgumentParser
import Diagnostics
import RPC
import Terminal

/// `draft info APP`, or `status`.
struct DraftInfoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info",
    abstract: "Show an app's draft",
    usage: "kindling draft info <app> [options]",
    discussion: """
      Example:
        kindling draft info hello -o json
      """,
    aliases: ["status"]
  )

  @Argument(help: "The app: hello, or acme:hello")
  var app: String

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let app = try await AppTarget.find(app, shared)
    let draft = try await CompileFollower(app: app).draft()
    let isThere = draft.status != .unspecified
    switch shared.output {
    case .json where isThere:
      var answer = Dodil_Ignite_V1_GetDraftInfoResponse()
      answer.draft = draft
      try Messages.print(answer)
    // In the vendor's words.
    case .json: Console.standardOutput.write(#"{"status":"no draft"}"# + "\n")
    case .table where isThere: Details.print(AppTable.details(draft, now: WallClock.system.now()))
    case .table: Console.standardError.write("no draft; save one with: kindling draft save \(app.id) --code .\n")
    }
  }
}
