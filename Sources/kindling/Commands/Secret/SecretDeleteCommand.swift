import API
import ArgumentParser
import RPC
import Terminal

/// `secret delete NAME`.
struct SecretDeleteCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete",
    abstract: "Take a secret away",
    usage: "kindling secret delete <name> [options]",
    discussion: """
      One that is not there already is no error. Apps that name it fail at their next \
      pull.

      Example:
        kindling secret delete ghcr
      """
  )

  @Argument(help: "The secret's name")
  var name: String

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let access = try await ServerAccess.find(shared)
    var request = Dodil_Ignite_V1_DeleteSecretRequest()
    request.name = name
    let message = request
    let answer = try await access.call { try await $0.deleteSecret(message) }
    switch shared.output {
    case .json: try Messages.print(answer)
    case .table: Console.standardOutput.write("deleted\n")
    }
  }
}
