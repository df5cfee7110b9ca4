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
      Example:
        kindling start & kindling wait && kindling app deploy hello --code .

      Commands that talk to the server take -o table|json, --api-endpoint HOST:PORT
      (IGNITE_API_ENDPOINT), --token (DODIL_TOKEN), --org-name (IGNITE_ORG_NAME),
      --data-dir (KINDLING_DATA_DIR), --timeout TIME and --debug.
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
          BuildCommand.self, AppCommand.self, DraftCommand.self, VersionCommand.self, InvokeCommand.self,
          ExecutionCommand.self, SecretCommand.self, PlanCommand.self, ExecutorCommand.self, FetchCommand.self,
          ImageCommand.self, TokenCommand.self, WhyCommand.self,
        ]),
    ]
  )
}
