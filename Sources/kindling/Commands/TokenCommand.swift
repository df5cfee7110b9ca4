import ArgumentParser
import Diagnostics
import Foundation
import Storage
import Terminal

/// `token`: makes a token for any organisation, without asking the server.
struct TokenCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token",
    abstract: "Print a token for an organisation",
    usage: "kindling token [--org <name>] [--expires <time>]",
    discussion: """
      It is made from the key in the data directory; the server need not run.

      Example:
        export DODIL_TOKEN="$(kindling token --org acme --expires 1h)"
      """
  )

  @Option(help: ArgumentHelp("The organisation", valueName: "name"))
  var org: String = "dev"

  @Option(help: ArgumentHelp("How long it is good for, such as 1h or 30d", valueName: "time"))
  var expires: TimeSpan = TimeSpan(seconds: 30 * 86_400)

  @Option(name: .shortAndLong, help: ArgumentHelp("What to print", valueName: "format"))
  var output: OutputFormat = .table

  @Option(help: ArgumentHelp("The server's data directory", valueName: "dir"))
  var dataDir: String?

  func run() async throws {
    let folder = try DataLocation(flag: dataDir).path
    let organization = try OrganizationName(org)
    let token = try await LocalMint.token(for: organization, lifetime: expires.duration, in: folder)
    switch output {
    case .table: Console.standardOutput.write(token + "\n")
    case .json: Console.standardOutput.write(JSONText.line(["organization": organization.name, "token": token]) + "\n")
    }
  }
}
