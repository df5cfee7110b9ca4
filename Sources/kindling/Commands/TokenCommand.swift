import ArgumentParser
import Diagnostics
import Foundation
import Service
import Storage
import Terminal

/// `token`: makes a token for any organisation, without asking the server.
struct TokenCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token",
    abstract: "Print a token for an organisation",
    usage: "kindling token [--org <name>] [--scope <scope> ...] [--expires <time>]",
    discussion: """
      It is made from the key in the data directory; the server need not run.
      Without a scope it may do everything in its organisation.

      Example:
        export DODIL_TOKEN="$(kindling token --org acme --expires 1h)"
        kindling token --org acme --scope GetBuild --scope ListBuilds -o json
      """
  )

  @Option(help: ArgumentHelp("The organisation", valueName: "name"))
  var org: String = "dev"

  @Option(help: ArgumentHelp("A method it may call and no others, such as GetBuild (repeatable)", valueName: "scope"))
  var scope: [String] = []

  @Option(help: ArgumentHelp("How long it is good for, such as 1h or 30d", valueName: "time"))
  var expires: TimeSpan = TimeSpan(seconds: 30 * 86_400)

  @Option(name: .shortAndLong, help: ArgumentHelp("What to print", valueName: "format"))
  var output: OutputFormat = .table

  @Option(help: ArgumentHelp("The server's data directory", valueName: "dir"))
  var dataDir: String?

  func run() async throws {
    let folder = try DataLocation(flag: dataDir).path
    let organization = try OrganizationName(org)
    let scopes = try scopes()
    let token = try await LocalMint.token(
      for: organization, scopes: scopes, lifetime: expires.duration, in: folder)
    switch output {
    case .table: Console.standardOutput.write(token + "\n")
    case .json:
      let made = Made(
        organization: organization.name, token: token, scopes: scopes.map { $0.sorted().map(\.rawValue) },
        expiresInSeconds: expires.duration.components.seconds)
      Console.standardOutput.write(JSONText.line(made) + "\n")
    }
  }

  /// What `-o json` prints; without `scopes` the token may do everything.
  private struct Made: Encodable {
    var organization: String
    var token: String
    var scopes: [String]?
    var expiresInSeconds: Int64
  }

  private func scopes() throws(Failure) -> Set<Scope>? {
    guard !scope.isEmpty else { return nil }
    var scopes: Set<Scope> = []
    for name in scope {
      do throws(Failure) { scopes.insert(try Scope(named: name)) } catch {
        var failure = error
        if let near = Nearest.word(to: name, among: Scope.allCases.map(\.rawValue)) {
          failure.hint = "did you mean '\(near)'?"
        }
        throw failure
      }
    }
    return scopes
  }
}
