import API
import ArgumentParser
import Diagnostics
import RPC
import Terminal

/// `build logs ID`.
struct BuildLogsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logs",
    abstract: "Print a build's log, following a running build",
    usage: "kindling build logs <id> [options]",
    discussion: """
      Of a running build the lines from now on are printed, with --from-start all of \
      them. The log of a build that is over is printed whole.

      Example:
        kindling build logs ^0 --from-start
      """
  )

  @Argument(help: "The build's id, its beginning, or ^0 for the newest")
  var id: String

  @Flag(help: "Begin with the first line")
  var fromStart = false

  @Flag(help: "Keep printing while the build runs; this is what happens anyway")
  var follow = false

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let access = try await ServerAccess.find(shared)
    let (id, fromStart) = (id, fromStart)
    let prints = shared.output
    try await access.stream { client in
      let exact = try await BuildLookup.id(id, client)
      let isOver = [.succeeded, .failed, .cancelled].contains(try await client.getBuild(exact).status)
      try await client.streamLogs(of: exact, fromStart: fromStart || isOver) { line in
        switch prints {
        case .json: try Messages.print(line)
        case .table:
          guard Console.standardOutput.write(line.line + "\n") else { throw Failure.readerGone }
        }
      }
    }
  }
}
