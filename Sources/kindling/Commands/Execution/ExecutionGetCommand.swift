import API
import ArgumentParser
import RPC
import Terminal

/// `execution get ID`.
struct ExecutionGetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Show one execution",
    usage: "kindling execution get <id> [options]",
    discussion: """
      Example:
        kindling execution get exec_01J9ZX0T5V6W7Y8Z9A0B1C2D3E -o json
      """
  )

  @Argument(help: "The execution's id")
  var id: String

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let access = try await ServerAccess.find(shared)
    var request = Dodil_Ignite_V1_GetExecutionRequest()
    request.executionID = id
    let message = request
    let answer = try await access.call { try await $0.getExecution(message) }
    guard shared.output == .table else { return try Messages.print(answer) }
    Details.print(AppTable.details(answer.execution))
    guard !answer.execution.output.isEmpty else { return }
    Console.standardOutput.write("\n")
    Console.standardOutput.write(bytes: answer.execution.output)
  }
}
