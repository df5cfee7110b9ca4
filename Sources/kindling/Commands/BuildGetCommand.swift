import API
import ArgumentParser
import Diagnostics
import RPC
import Terminal

/// `build get ID`.
struct BuildGetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Show one build",
    usage: "kindling build get <id> [options]",
    discussion: """
      Example:
        kindling build get ^0 --output json
      """
  )

  @Argument(help: "The build's id, its beginning, or ^0 for the newest")
  var id: String

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let access = try await ServerAccess.find(shared)
    let id = id
    let build = try await access.call { client in
      try await client.getBuild(try await BuildLookup.id(id, client))
    }
    switch shared.output {
    case .json:
      var response = Dodil_Ignite_V1_GetBuildResponse()
      response.build = build
      try Messages.print(response)
    case .table:
      let place = build.status == .pending ? await QueueDocument.build(build.buildID, access) : nil
      let lines = BuildTable.details(build, place: place, now: WallClock.system.now()).lines(
        Console.standardOutput.appearance)
      Console.standardOutput.write(lines: Array(lines.dropFirst()))
    }
  }
}
