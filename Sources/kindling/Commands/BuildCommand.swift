import ArgumentParser

/// The vendor's `build` group.
struct BuildCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "build",
    abstract: "Build images from a directory, an upload or git",
    usage: """
      kindling build <PATH|GIT-URL> [options]
      kindling build <command> [options]
      """,
    discussion: """
      With a path (a '/', a '.' or '://' in it) one command creates, uploads and \
      follows a build, and prints reference@digest:
        kindling build .
        kindling build ./api --name api --tag v1 --build-arg MODE=prod
        kindling build . --help      its options

      A build is named by its id, by the beginning of it, or counted back: ^0 is \
      the newest.
      """,
    subcommands: [
      BuildCreateCommand.self, BuildUploadCommand.self, BuildGetCommand.self, BuildListCommand.self,
      BuildLogsCommand.self, BuildCancelCommand.self, BuildSecretsCommand.self, BuildPathCommand.self,
    ]
  )
}
