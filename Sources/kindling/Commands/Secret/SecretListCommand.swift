import API
import ArgumentParser
import Diagnostics
import RPC
import Terminal

/// `secret list`.
struct SecretListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List secrets, without their values",
    usage: "kindling secret list [options]",
    discussion: """
      Example:
        kindling secret list -o json
      """
  )

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let access = try await ServerAccess.find(shared)
    let answer = try await access.call { try await $0.listSecrets(Dodil_Ignite_V1_ListSecretsRequest()) }
    guard shared.output == .table else { return try Messages.print(answer) }
    guard !answer.secrets.isEmpty else {
      Console.standardError.write("no secrets; make one with: kindling secret create NAME --type registry\n")
      return
    }
    let now = WallClock.system.now().milliseconds
    let table = Table(
      columns: [.init("NAME"), .init("TYPE"), .init("UPDATED")],
      rows: answer.secrets.map { secret in
        [
          .init(secret.name), .init(secret.type),
          .init(DurationText.age(milliseconds: now - secret.updatedAtMs)),
        ]
      })
    Console.standardOutput.write(lines: table.lines(Console.standardOutput.appearance))
  }
}
