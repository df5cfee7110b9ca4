import ArgumentParser

/// What is done with images apart from building them.
struct ImageCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "image",
    abstract: "Bring images into the registry",
    subcommands: [ImageImportCommand.self]
  )
}
