import API
import ArgumentParser
import Diagnostics
import RPC
import Terminal

/// `execution watch ID`.
struct ExecutionWatchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract: "Wait for an execution and print what it answers",
    usage: "kindling execution watch <id> [options]",
    discussion: """
      Exits with 1 when it FAILED.

      Example:
        kindling execution watch exec_01J9ZX0T5V6W7Y8Z9A0B1C2D3E
      """
  )

  @Argument(help: "The execution's id")
  var id: String

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let access = try await ServerAccess.find(shared)
    var request = Dodil_Ignite_V1_GetExecutionRequest()
    request.executionID = id
    let (message, output) = (request, shared.output)
    let seen = Seen()
    try await access.stream { client in
      try await client.watchExecution(message) { update in
        await seen.take(update.execution)
        switch output {
        case .json: try Messages.print(update)
        case .table: Console.standardError.write(AppTable.cell(update.execution.status).text + "\n")
        }
      }
    }
    guard let last = await seen.last else { return }
    if output == .table { Console.standardOutput.write(bytes: last.output) }
    guard last.status == .failed else { return }
    if !last.error.isEmpty, output == .table { Console.standardError.write(last.error + "\n") }
    throw ExitCode(1)
  }

  private actor Seen {
    var last: Dodil_Ignite_V1_Execution?
    func take(_ execution: Dodil_Ignite_V1_Execution) { last = execution }
  }
}
