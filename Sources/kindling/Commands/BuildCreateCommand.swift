import API
import ArgumentParser
import Diagnostics
import Foundation
import SystemPackage
import Terminal

/// `build create NAME`: queues a build from exactly one source.
struct BuildCreateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create",
    abstract: "Queue a build and print its id",
    usage: "kindling build create <name> [options]",
    discussion: """
      Examples:
        kindling build create app --context . --tag v1 --follow
        kindling build create app --git-url https://git.example/acme/app.git
      """
  )

  @Argument(help: "Build and image name")
  var name: String

  @Option(help: ArgumentHelp("Pack this directory; large ones are uploaded first", valueName: "dir"))
  var context: String?

  @Option(name: .customLong("context-id"), help: ArgumentHelp("Use an earlier upload", valueName: "id"))
  var contextID: String?

  @Option(name: .customLong("git-url"), help: ArgumentHelp("Clone this repository", valueName: "url"))
  var gitURL: String?

  @Option(help: ArgumentHelp("Branch, tag or commit (default: main)", valueName: "ref"))
  var gitRef: String?

  @Option(help: ArgumentHelp("Directory in the repository", valueName: "dir"))
  var gitDir: String?

  @Flag(help: "Show the build until it is over, then print reference@digest")
  var follow = false

  @OptionGroup var build: BuildOptions
  @OptionGroup var display: DisplayOptions
  @OptionGroup var shared: SharedOptions

  func validate() throws {
    guard [context, contextID, gitURL].count(where: { $0 != nil }) == 1 else {
      throw ValidationError("a build has exactly one source: --context, --context-id or --git-url")
    }
    if gitURL == nil, gitRef != nil || gitDir != nil {
      throw ValidationError("--git-ref and --git-dir say something about --git-url, which is missing")
    }
  }

  func run() async throws {
    let access = try await ServerAccess.find(shared)
    let environment = ProcessInfo.processInfo.environment
    var request = build.request(name: name, environment: environment)
    var submission = BuildSubmission(access: access, output: shared.output)
    let follower = follow ? try BuildFollower(access, options: display, title: "Building \(name)") : nil
    if let context {
      try Scaffold(choice: build.scaffold, directory: FilePath(context)).settle(dockerfile: build.dockerfile)
      let delivery = ContextDelivery(
        directory: FilePath(context),
        access: access,
        quiet: display.progress == .quiet || display.progress == .json,
        sent: .live(environment),
        mayReuse: !build.noCache
      )
      try await delivery.deliver(as: &request)
      submission.delivery = delivery
    } else if let contextID {
      request.contextID = contextID
    } else if let gitURL {
      var source = Dodil_Ignite_V1_GitSource()
      source.url = gitURL
      source.reference = gitRef ?? ""
      source.contextDir = gitDir ?? ""
      request.gitSource = source
    }
    if let follower {
      try await submission.follow(request, follower)
    } else {
      try await submission.queue(request)
    }
  }
}
