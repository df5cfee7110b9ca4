import ArgumentParser

/// The vendor's `draft` group.
struct DraftCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "draft",
    abstract: "Save, compile, test and publish an app's code",
    usage: "kindling draft <command> [options]",
    discussion: """
      Example:
        kindling draft save hello --code .
        kindling draft compile hello --follow
        kindling draft test hello -p '{}' && kindling draft publish hello
      """,
    subcommands: [
      DraftSaveCommand.self, DraftInfoCommand.self, DraftCompileCommand.self, DraftCompileLogsCommand.self,
      DraftTestCommand.self, DraftPublishCommand.self,
    ]
  )
}
