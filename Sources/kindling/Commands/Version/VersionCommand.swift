import ArgumentParser

/// The vendor's `version` group.
struct VersionCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "version",
    abstract: "List an app's versions and go back to one",
    usage: "kindling version <command> [options]",
    discussion: """
      Example:
        kindling version list hello
        kindling version rollback hello 1
      """,
    subcommands: [
      VersionListCommand.self, VersionGetCommand.self, VersionRollbackCommand.self, VersionTestCommand.self,
      VersionCodeCommand.self,
    ]
  )
}
