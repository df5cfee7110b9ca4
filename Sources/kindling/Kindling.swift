import ArgumentParser

/// The root of the command tree.
struct Kindling: AsyncParsableCommand {
  /// The tool's own version; `version` is a group of the vendor's.
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "kindling",
    abstract: "A build platform on your own machine",
    usage: "kindling <command> [options]",
    discussion: """
      Examples:
        kindling start               run the server in this terminal
        kindling build .             build the Dockerfile here

      Options of every command that talks to the server:
        -o, --output table|json      what to print
        --api-endpoint HOST:PORT     where it answers (IGNITE_API_ENDPOINT)
        --token TOKEN                who is calling (DODIL_TOKEN, IGNITE_TOKEN)
        --org-name NAME              act for this organisation (IGNITE_ORG_NAME)
        --timeout TIME               how long to wait, such as 30s or 5m
        --data-dir DIR               its data directory (KINDLING_DATA_DIR)
        --debug                      show code and reason of failures
      """,
    version: "kindling \(version)",
    groupedSubcommands: [
      CommandGroup(
        name: "Server",
        subcommands: [
          StartCommand.self, StatusCommand.self, QueueCommand.self, FaultsCommand.self, WaitCommand.self,
          CollectCommand.self, ResetCommand.self, StopCommand.self,
        ]),
      CommandGroup(
        name: "Work",
        subcommands: [
          BuildCommand.self, PlanCommand.self, ExecutorCommand.self, FetchCommand.self, ImageCommand.self,
          TokenCommand.self, WhyCommand.self,
        ]),
    ]
  )
}
