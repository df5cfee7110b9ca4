import API
import ArgumentParser
import Diagnostics
import RPC
import Terminal

/// `draft save APP`.
struct DraftSaveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "save",
    abstract: "Put code into an app's draft; nothing is built yet",
    usage: "kindling draft save <app> --code <path> [options]",
    discussion: """
      Example:
        kindling draft save hello --code ./api
        kindling draft save hello --git-url https://git.example/acme/app.git
        kindling draft save hello --image-ref localhost:4480/dev/hello:latest
      """
  )

  @Argument(help: "The app: hello, or acme:hello")
  var app: String

  @OptionGroup var code: CodeOptions

  // The API takes them and does nothing with them, as it is documented.
  @Option(name: .shortAndLong, help: .hidden) var dependency: [String] = []

  @Option(help: ArgumentHelp("What calls take, as JSON", valueName: "schema", visibility: .hidden))
  var inputSchema = ""

  @Option(help: ArgumentHelp("What calls answer, as JSON", valueName: "schema", visibility: .hidden))
  var outputSchema = ""

  @Option(help: .hidden) var runtime: String?
  @Option(help: .hidden) var rustTarget: String?

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let app = try await AppTarget.find(app, shared)
    if let warning = AppOptions.ignored([("--runtime", runtime), ("--rust-target", rustTarget)]) {
      Console.standardError.write(warning + "\n")
    }
    var request = Dodil_Ignite_V1_SaveDraftRequest()
    request.organizationName = app.organization
    request.appName = app.name
    request.code = try await code.source(for: app)
    request.inputSchema = inputSchema
    request.outputSchema = outputSchema
    request.dependencies = dependency
    let message = request
    let answer = try await app.access.call { try await $0.saveDraft(message) }
    switch shared.output {
    case .json: try Messages.print(answer)
    case .table:
      Console.standardOutput.write("saved \(answer.draft.codeHash)\n")
      Console.standardError.write("next: kindling draft compile \(app.id) --follow\n")
    }
  }
}
