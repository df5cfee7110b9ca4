import ArgumentParser

/// The vendor's `app` group.
struct AppCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "app",
    abstract: "Run images as apps",
    usage: "kindling app <command> [options]",
    discussion: """
      An app is named like hello, or with its organisation like acme:hello. 'deploy' \
      does everything at once: it makes the app or changes it, builds the code, \
      publishes it as the next version, and prints the address.

      Example:
        kindling app deploy hello --code . --allow-unauthenticated
        kindling invoke hello -p '{"name": "world"}'
      """,
    subcommands: [
      AppDeployCommand.self, AppCreateCommand.self, AppGetCommand.self, AppListCommand.self, AppUpdateCommand.self,
      AppDeleteCommand.self, AppStateCommand.self, AppLogsCommand.self,
    ],
    aliases: ["function", "fn"]
  )
}
