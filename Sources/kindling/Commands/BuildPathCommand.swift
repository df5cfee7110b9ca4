import API
import ArgumentParser
import Diagnostics
import Foundation
import SystemPackage
import Terminal

/// `build PATH|GIT-URL`: create, upload and follow in one go. `Words` sends it here; nobody types its own name.
struct BuildPathCommand: AsyncParsableCommand {
  static let name = "path"

  static let configuration = CommandConfiguration(
    commandName: name,
    abstract: "Build a directory or a git repository and print reference@digest",
    usage: "kindling build <PATH|GIT-URL> [options]",
    discussion: """
      Examples:
        kindling build . --tag v1 --build-arg MODE=prod
        docker run --rm "$(kindling build ./api)"
      """,
    shouldDisplay: false
  )

  @Argument(help: ArgumentHelp("A directory, or a git address with an optional #ref:dir", valueName: "path"))
  var target: String

  @Option(help: "Image name (default: the directory's)")
  var name: String?

  @OptionGroup var build: BuildOptions
  @OptionGroup var display: DisplayOptions
  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let target = try BuildTarget(target)
    let name = try name ?? target.name(workingDirectory: FileManager.default.currentDirectoryPath)
    let access = try await ServerAccess.find(shared)
    let follower = try BuildFollower(access, options: display, title: "Building \(name) from \(self.target)")
    let environment = ProcessInfo.processInfo.environment
    var request = build.request(name: name, environment: environment)
    var submission = BuildSubmission(access: access, output: shared.output)
    switch target {
    case .directory(let path):
      try Scaffold(choice: build.scaffold, directory: path).settle(dockerfile: build.dockerfile)
      let delivery = ContextDelivery(
        directory: path,
        access: access,
        quiet: display.progress == .quiet || display.progress == .json,
        sent: .live(environment),
        mayReuse: !build.noCache
      )
      try await delivery.deliver(as: &request)
      submission.delivery = delivery
    case .git(let url, let reference, let directory):
      var source = Dodil_Ignite_V1_GitSource()
      source.url = url
      source.reference = reference
      source.contextDir = directory
      request.gitSource = source
    }
    try await submission.follow(request, follower)
  }
}
