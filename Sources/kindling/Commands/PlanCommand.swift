import ArgumentParser
import Builder
import Diagnostics
import Foundation
import Git
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
    usage: "kindling plan <PATH|GIT-URL> [options]",
    discussion: """
      Base images are looked up in a running server's registry; without one they
      are planned as if their configuration were empty. A commit is fetched for
      the plan alone, with GIT_USERNAME and GIT_PASSWORD, or GIT_TOKEN.

      Examples:
        kindling plan .
        kindling plan ./api --target test --build-arg MODE=debug --json
        kindling plan https://git.example/acme/app.git#v1:web
      """
  )

  @Argument(help: ArgumentHelp("The build's context: a directory or a git address", valueName: "path"))
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

  @Option(
    help: ArgumentHelp(
      "A context of its own: a folder, docker-image://, oci-layout://, target: or git (repeatable)",
      valueName: "name=context"))
  var buildContext: [String] = []

  @Option(
    help: ArgumentHelp("Another limit of git, such as object-size=4GiB (repeatable)", valueName: "name=value"))
  var gitLimit: [String] = []

  @Flag(help: "Print the plan as one JSON object")
  var json = false

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    do { try await plan() } catch let failure as Failure {
      throw CommandFailure(failure, asJSON: json || shared.output == .json)
    }
  }

  private func plan() async throws {
    let environment = ProcessInfo.processInfo.environment
    let context = try await context(environment)
    defer { context.close() }
    let access = try await ServerAccess.find(shared)
    let names = try NamedContextWords(buildContext)
    let bases = ServerBases(access)
    var order = try order(context, organization: organization(access), environment)
    order.namedContexts = try names.contexts()
    // What may run is decided where the build runs.
    order.allowsInsecure = true
    var plan = try await BuildPlan.make(
      for: order, bases: LayoutImages(names.layouts, blobs: nil, next: bases), scratch: context.scratch)
    for text in bases.warnings { plan.warn(text) }
    if json || shared.output == .json {
      Console.standardOutput.write(JSONText.line(PlanDocument(plan)) + "\n")
    } else {
      Console.standardOutput.write(plan.text)
    }
  }

  private func context(_ environment: [String: String]) async throws -> PlanContext {
    guard path.contains("://") || GitAddress.isGit(path) else {
      let folder = FilePath(path)
      try ContextArchive.check(folder, dockerfile: dockerfile)
      return PlanContext(directory: folder)
    }
    return try await PlanContext.fetch(
      path, limits: try GitLimits(settings: gitLimit), environment: environment,
      display: FetchDisplay(isSilent: json || shared.output == .json))
  }

  private func order(
    _ context: PlanContext, organization: OrganizationName, _ environment: [String: String]
  ) throws(Failure) -> BuildOrder {
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
      workName: "plan", source: context.source, dockerfile: dockerfile,
      buildArgs: BuildOptions.arguments(buildArg, environment), target: target,
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
