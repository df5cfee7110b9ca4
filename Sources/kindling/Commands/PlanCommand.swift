import ArgumentParser
import Builder
import Diagnostics
import Foundation
import OCI
import Service
import Storage
import SystemPackage
import Terminal

/// `plan`: what a build would do, made in this process; nothing is run, sent or written.
struct PlanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Print what a build would do; touches nothing",
    usage: "kindling plan <PATH> [options]",
    discussion: """
      Base images are looked up in a running server's registry; without one they
      are planned as if their configuration were empty.

      Examples:
        kindling plan .
        kindling plan ./api --target test --build-arg MODE=debug --json
      """
  )

  @Argument(help: ArgumentHelp("The directory that is the build's context", valueName: "path"))
  var path: String

  @Option(
    name: [.customShort("f"), .long, .customLong("file")],
    help: ArgumentHelp("The Dockerfile's path in the context", valueName: "path"))
  var dockerfile = "Dockerfile"

  @Option(help: ArgumentHelp("The stage to build (default: the last one)", valueName: "stage"))
  var target: String?

  @Option(help: ArgumentHelp("Build argument; without a value it is taken from the environment", valueName: "k=v"))
  var buildArg: [String] = []

  @Option(help: ArgumentHelp("Such as linux/amd64 (default: this machine's)", valueName: "os/arch"))
  var platform: String?

  @Flag(help: "Print the plan as one JSON object")
  var json = false

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    do { try await plan() } catch let failure as Failure {
      throw CommandFailure(failure, asJSON: json || shared.output == .json)
    }
  }

  private func plan() async throws {
    guard !path.contains("://") else {
      throw Failure(
        .unimplemented, reason: "plan-of-address", "'\(path)' is an address, and only directories can be planned",
        hint: "clone it first")
    }
    let folder = FilePath(path)
    try ContextArchive.check(folder, dockerfile: dockerfile)
    let access = try await ServerAccess.find(shared)
    let bases = ServerBases(access)
    let order = try order(folder, organization: organization(access))
    var plan = try await BuildPlan.make(for: order, bases: bases, scratch: folder)
    for text in bases.warnings { plan.warn(text) }
    if json || shared.output == .json {
      Console.standardOutput.write(JSONText.line(PlanDocument(plan)) + "\n")
    } else {
      Console.standardOutput.write(plan.text)
    }
  }

  private func order(_ folder: FilePath, organization: OrganizationName) throws(Failure) -> BuildOrder {
    var chosen = Platform.host
    if let text = platform {
      guard let parsed = Platform(text) else {
        throw Failure(
          .invalidArgument, reason: "platform-invalid", "platform '\(text)' is not OS/ARCHITECTURE",
          hint: "write it like linux/amd64")
      }
      chosen = parsed
    }
    return BuildOrder(
      workName: "plan", source: .directory(folder), dockerfile: dockerfile,
      buildArgs: BuildOptions.arguments(buildArg, ProcessInfo.processInfo.environment), target: target,
      platform: chosen,
      noCache: true, organization: organization)
  }

  /// Whose images a bare name means.
  private func organization(_ access: ServerAccess) throws(Failure) -> OrganizationName {
    if let name = shared.orgName { return try OrganizationName(name) }
    if let token = access.token, let claimed = IdentityService.claimedOrganization(of: token) { return claimed }
    return try OrganizationName(IdentityService.defaultOrganization)
  }
}
