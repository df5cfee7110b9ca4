import ArgumentParser

/// `build secrets`: what builds of an organisation may use and nobody can read back.
struct BuildSecretsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "secrets",
    abstract: "Save or forget the credentials and secrets of builds",
    usage: "kindling build secrets <command> [options]",
    discussion: """
      There are three groups: registry credentials, git credentials and build secrets. \
      Saving replaces the groups that are given, each as a whole. There is no way to \
      read one back.

      Example:
        kindling build secrets set --build-secret NPM_TOKEN
        kindling build secrets clear build
      """,
    subcommands: [BuildSecretsSetCommand.self, BuildSecretsClearCommand.self]
  )
}
