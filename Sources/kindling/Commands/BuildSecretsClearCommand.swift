import ArgumentParser
import Diagnostics
import NIOHTTP1
import Terminal

/// `build secrets clear [GROUP ...]`.
struct BuildSecretsClearCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "clear",
    abstract: "Forget saved credentials and secrets",
    usage: "kindling build secrets clear <group> ... [options]",
    discussion: """
      The platform has no call for this; here it is DELETE /_kindling/secrets/GROUP.

      Example:
        kindling build secrets clear git
        kindling build secrets clear registry git build
      """
  )

  enum Group: String, ExpressibleByArgument, CaseIterable, Sendable {
    case registry, git, build

    var member: String {
      switch self {
      case .registry: "registry_credentials"
      case .git: "git_credentials"
      case .build: "build_secrets"
      }
    }
  }

  @Argument(help: "What is forgotten: registry, git or build")
  var groups: [Group]

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let access = try await ServerAccess.find(shared)
    let groups = groups
    try await HTTPDoor.open(access) { door in
      for group in groups {
        _ = try await door.read(
          .DELETE, "/_kindling/secrets/\(group.member)", limit: access.timeout ?? SharedOptions.unaryTimeout)
      }
    }
    switch shared.output {
    case .json: Console.standardOutput.write(#"{"success":true}"# + "\n")
    case .table: Console.standardOutput.write("forgotten: \(groups.map(\.rawValue).joined(separator: ", "))\n")
    }
  }
}
