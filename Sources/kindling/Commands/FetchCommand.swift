import ArgumentParser
import Diagnostics
import Foundation
import Git
import Outbound
import SystemPackage
import Terminal

/// `fetch GIT-URL DIR`: one commit of a repository as plain files, without a server and without git.
struct FetchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fetch",
    abstract: "Fetch one commit of a git repository into a directory",
    usage: "kindling fetch <git-url> <dir> [options]",
    discussion: """
      Takes one commit, never the history, and needs neither git nor the server. \
      Credentials come from GIT_USERNAME and GIT_PASSWORD, or GIT_TOKEN; the \
      proxy variables are honoured.

      Examples:
        kindling fetch https://git.example/acme/app.git app --ref v1.2
        kindling fetch https://git.example/acme/app.git web --dir services/web
      """
  )

  @Argument(help: ArgumentHelp("A git address with an optional #ref:dir", valueName: "git-url"))
  var url: String

  @Argument(help: ArgumentHelp("Where the files go; must be empty or not there yet", valueName: "dir"))
  var target: String

  @Option(help: ArgumentHelp("Branch, tag, refs/… or commit (default: main)", valueName: "ref"))
  var ref: String?

  @Option(help: ArgumentHelp("Only this directory of the repository", valueName: "dir"))
  var dir: String?

  @Flag(help: "Fetch submodules too")
  var submodules = false

  @Flag(help: "Leave a .git directory, so that git knows the commit")
  var keepGitDir = false

  @Option(
    help: ArgumentHelp("Another limit, such as object-size=4GiB (repeatable)", valueName: "name=value"))
  var gitLimit: [String] = []

  @Flag(help: "Print one JSON object")
  var json = false

  /// What came of it.
  private struct Fetched: Encodable {
    var commit: String
    var reference: String
    var directory: String
    var files: Int
    var bytes: Int64
    var durationMilliseconds: Int64
    var notes: [String]
  }

  func run() async throws {
    do { try await fetch() } catch let failure as Failure { throw CommandFailure(failure, asJSON: json) }
  }

  private func fetch() async throws {
    let began = ContinuousClock.now
    let environment = ProcessInfo.processInfo.environment
    let order = try order(environment)
    let limits = try GitLimits(settings: gitLimit)
    // A whole store would keep what nobody asks for again.
    let folder = FileManager.default.temporaryDirectory.appending(path: "kindling-fetch-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let client = OutboundClient(policy: OutboundPolicy(), environment: environment)
    let fetcher = GitFetcher(
      store: try GitStore(folder: FilePath(folder.path())), client: client, limits: limits,
      environment: environment)
    let display = FetchDisplay(isSilent: json)
    let result: Result<CheckedOut, any Error>
    do {
      let target = FilePath(target)
      result = .success(
        try await Interrupts.stopping {
          try await fetcher.checkOut(order, into: target) { progress in display.show(progress) }
        })
    } catch { result = .failure(error) }
    display.clear()
    await client.shutdown()
    report(try result.get(), after: began.duration(to: .now))
  }

  private func report(_ done: CheckedOut, after elapsed: Duration) {
    let milliseconds = Int64(elapsed / .milliseconds(1))
    if json {
      let fetched = Fetched(
        commit: done.commit.hex, reference: done.reference, directory: target, files: done.files,
        bytes: done.bytes.bytes, durationMilliseconds: milliseconds, notes: done.notes)
      Console.standardOutput.write(JSONText.line(fetched) + "\n")
      return
    }
    for note in done.notes { Console.standardError.write("! \(Escape.tamed(note))\n") }
    Console.standardOutput.write(done.commit.hex + "\n")
    let time = DurationText.compact(milliseconds: milliseconds)
    Console.standardError.write("\(done.files) files, \(done.bytes), \(time)\n")
  }

  /// What the words ask for, with credentials from the address, else from the environment.
  func order(_ environment: [String: String]) throws(Failure) -> GitTreeOrder {
    let address = try GitAddress(
      parsing: url, userinfo: .allowed, pullMethod: try GitEnvironment.pullMethod(environment))
    // Kaniko: `#ref#commit` is the commit, which need not be the newest of the reference.
    let named = address.commit?.hex ?? address.reference
    for (flag, asked, said) in [("--ref", ref, named), ("--dir", dir, address.subdirectory)] {
      guard let asked, let said, asked != said else { continue }
      throw Failure(
        .invalidArgument, reason: "git-source-ambiguous", "\(flag) is '\(asked)', and the address says '\(said)'",
        hint: "say it once")
    }
    return GitTreeOrder(
      address: address, reference: ref ?? named ?? "", directory: dir ?? address.subdirectory ?? "",
      credentials: address.credentials ?? GitEnvironment.credentials(environment), scope: "fetch",
      includesSubmodules: submodules || address.includesSubmodules == true,
      keepsGitDirectory: keepGitDir || address.keepsGitDirectory == true,
      // Git's own way: keys and folders are those of whoever gives the command.
      transports: GitAddress.Transport.every)
  }
}
