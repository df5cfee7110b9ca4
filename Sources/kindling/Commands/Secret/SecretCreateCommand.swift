import API
import ArgumentParser
import Diagnostics
import RPC
import Terminal

/// `secret create NAME`.
struct SecretCreateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Make a secret, or put another value into it",
    usage: "kindling secret create <name> --type registry|git [options]",
    discussion: """
      '@FILE' takes a value from a file and '-' from standard input, so that it stands \
      in no list of processes. A line end at its end is cut off. With --type git, \
      --token is the credential itself, and DODIL_TOKEN alone says who is calling.

      Example:
        kindling secret create hub --type registry --username bot --password -
        kindling secret create github --type git --username me --token @token
      """
  )

  enum Kind: String, ExpressibleByArgument, CaseIterable, Sendable { case registry, git }

  @Argument(help: "1 to 64 letters, digits, '-' and '_'")
  var name: String

  @Option(help: ArgumentHelp("What it opens", valueName: "type"))
  var type: Kind

  @Option(help: ArgumentHelp("The user at the registry or git server", valueName: "name"))
  var username: String?

  @Option(help: ArgumentHelp("Of a registry: the password, or @FILE, or -", valueName: "value"))
  var password: String?

  @Option(help: ArgumentHelp("Of a registry: its host (default: Docker Hub)", valueName: "host"))
  var serverAddress: String?

  // Of git; with any other type it is who is calling, as with every command.
  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let message = try message(from: SecretInput.live())
    var options = shared
    if type == .git { options.token = nil }
    let access = try await ServerAccess.find(options)
    let answer = try await access.call { try await $0.createSecret(message) }
    switch shared.output {
    case .json: try Messages.print(answer)
    case .table: Console.standardOutput.write("saved \(answer.metadata.name) (\(answer.metadata.type))\n")
    }
  }

  func validate() throws {
    switch type {
    case .registry:
      guard username != nil, password != nil else {
        throw ValidationError("--type registry needs --username and --password")
      }
    case .git:
      guard shared.token != nil else { throw ValidationError("--type git needs --token, the credential itself") }
      guard password == nil, serverAddress == nil else {
        throw ValidationError("--password and --server-address are for --type registry; git has --token")
      }
    }
  }

  /// What is sent; throws for what cannot be read, and never with a value.
  func message(from input: SecretInput) throws(Failure) -> Dodil_Ignite_V1_CreateSecretRequest {
    var message = Dodil_Ignite_V1_CreateSecretRequest()
    message.name = name
    switch type {
    case .registry:
      message.value.registrySecret.username = username ?? ""
      message.value.registrySecret.password = try input.value(password ?? "", of: "--password")
      message.value.registrySecret.serverAddress = serverAddress ?? ""
    case .git:
      message.value.gitSecret.username = username ?? ""
      message.value.gitSecret.token = try input.value(shared.token ?? "", of: "--token")
    }
    return message
  }
}
