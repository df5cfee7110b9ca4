import API
import ArgumentParser
import Diagnostics
import RPC
import Terminal

/// `build cancel ID`.
struct BuildCancelCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cancel",
    abstract: "Stop a build that waits or runs",
    usage: "kindling build cancel <id> [options]",
    discussion: """
      Example:
        kindling build cancel ^0
      """
  )

  @Argument(help: "The build's id, its beginning, or ^0 for the newest")
  var id: String

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let access = try await ServerAccess.find(shared)
    let id = id
    let (exact, answer) = try await access.call { client in
      let exact = try await BuildLookup.id(id, client)
      return (exact, try await client.cancelBuild(exact))
    }
    switch shared.output {
    case .json: try Messages.print(answer)
    case .table: Console.standardOutput.write("\(exact) \(Messages.cell(answer.status).text)\n")
    }
  }
}
