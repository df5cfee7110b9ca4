import API
import ArgumentParser
import Diagnostics
import RPC
import Terminal

/// `secret get NAME`: prints the value, by design of the contract.
struct SecretGetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Print a secret with its value",
    usage: "kindling secret get <name> [options]",
    discussion: """
      Example:
        kindling secret get ghcr -o json
      """
  )

  @Argument(help: "The secret's name")
  var name: String

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let access = try await ServerAccess.find(shared)
    var request = Dodil_Ignite_V1_GetSecretRequest()
    request.name = name
    let message = request
    let answer = try await access.call { try await $0.getSecret(message) }
    guard shared.output == .table else { return try Messages.print(answer) }
    var rows: [[Table.Cell]] = [["Name", .init(answer.metadata.name)], ["Type", .init(answer.metadata.type)]]
    switch answer.value.value {
    case .gitSecret(let git): rows += [["Username", .init(git.username)], ["Token", .init(git.token)]]
    case .registrySecret(let registry):
      let address = registry.serverAddress.isEmpty ? "Docker Hub" : registry.serverAddress
      rows += [
        ["Username", .init(registry.username)], ["Password", .init(registry.password)], ["Registry", .init(address)],
      ]
    case nil: break
    }
    Details.print(rows)
  }
}
