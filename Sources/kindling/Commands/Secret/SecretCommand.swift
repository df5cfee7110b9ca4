import ArgumentParser

/// The vendor's `secret` group.
struct SecretCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "secret",
    abstract: "Keep credentials for private images and repositories",
    usage: "kindling secret <command> [options]",
    discussion: """
      An app names a secret where its image is pulled or its source is fetched. Builds \
      of 'kindling build' have their own: kindling build secrets.

      Example:
        kindling secret create ghcr --type registry --username bot --password @token \\
          --server-address ghcr.io
        kindling app deploy hello --image-ref ghcr.io/acme/hello:1 --registry-secret-ref ghcr
      """,
    subcommands: [
      SecretCreateCommand.self, SecretListCommand.self, SecretGetCommand.self, SecretDeleteCommand.self,
    ]
  )
}
