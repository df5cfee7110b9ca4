import API
import ArgumentParser
import Diagnostics
import Foundation
import SystemPackage
import Terminal

/// `build upload`: packs and uploads a directory for later builds.
struct BuildUploadCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "upload",
    abstract: "Upload a directory and print its context id",
    usage: "kindling build upload --folder <dir> --name <name> [options]",
    discussion: """
      Examples:
        kindling build upload --folder . --name app
        kindling build upload --folder . --name app --build --tag v1
      """
  )

  @Option(help: ArgumentHelp("The directory to pack", valueName: "dir"))
  var folder: String

  @Option(help: "What it is called; with --build also the image's name")
  var name: String

  @Flag(name: .customLong("build"), help: "Build it at once and show the build until it is over")
  var startsBuild = false

  @OptionGroup var build: BuildOptions
  @OptionGroup var display: DisplayOptions
  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let access = try await ServerAccess.find(shared)
    let quiet = display.progress == .quiet || display.progress == .json
    let directory = FilePath(folder)
    if startsBuild { try Scaffold(choice: build.scaffold, directory: directory).settle(dockerfile: build.dockerfile) }
    if startsBuild { try ContextArchive.check(directory, dockerfile: build.dockerfile) }
    let answer = try await ContextDelivery(
      directory: directory, access: access, quiet: quiet, sent: SentContexts.live(ProcessInfo.processInfo.environment)
    ).upload(as: name)
    guard startsBuild else {
      switch shared.output {
      case .json: try Messages.print(answer)
      case .table: Console.standardOutput.write(answer.contextID + "\n")
      }
      return
    }
    Console.standardError.write("context \(answer.contextID)\n")
    var request = build.request(name: name, environment: ProcessInfo.processInfo.environment)
    request.contextID = answer.contextID
    let follower = try BuildFollower(access, options: display, title: "Building \(name) from \(folder)")
    try await BuildSubmission(access: access, output: shared.output).follow(request, follower)
  }
}
