import API
import ArgumentParser
import Diagnostics
import RPC
import Storage
import Terminal

/// `draft compile-logs ID`.
struct DraftCompileLogsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compile-logs",
    abstract: "Print a compile's log, following a running one",
    usage: "kindling draft compile-logs <compile|app> [options]",
    discussion: """
      Example:
        kindling draft compile-logs hello
      """
  )

  @Argument(help: "A compile's id (dep_…), or the app whose draft was compiled")
  var compile: String

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    if DeployID(compile) != nil {
      return try await print(compile, try await ServerAccess.find(shared))
    }
    let app = try await AppTarget.find(compile, shared)
    let deploy = try await CompileFollower(app: app).draft().deployID
    guard !deploy.isEmpty else {
      throw Failure(
        .notFound, reason: "compile-missing", "the draft of '\(app.id)' was not compiled",
        hint: "do it with: kindling draft compile \(app.id) --follow")
    }
    try await print(deploy, app.access)
  }

  private func print(_ deploy: String, _ access: ServerAccess) async throws {
    var request = Dodil_Ignite_V1_StreamCompileLogsRequest()
    request.deployID = deploy
    let (message, output) = (request, shared.output)
    try await access.stream { client in
      try await client.streamCompileLogs(message) { line in
        guard output == .table else { return try Messages.print(line) }
        guard Console.standardOutput.write(line.line + "\n") else { throw Failure.readerGone }
      }
    }
  }
}
