import ArgumentParser

/// The vendor's `execution` group: calls that nobody waited for.
struct ExecutionCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "execution",
    abstract: "Follow calls made with InvokeAsync",
    usage: "kindling execution <command> [options]",
    discussion: """
      Example:
        kindling execution watch exec_01J9ZX0T5V6W7Y8Z9A0B1C2D3E
      """,
    subcommands: [
      ExecutionGetCommand.self, ExecutionWatchCommand.self, ExecutionLogsCommand.self, ExecutionStreamCommand.self,
      ExecutionListCommand.self,
    ],
    aliases: ["exec"]
  )
}
