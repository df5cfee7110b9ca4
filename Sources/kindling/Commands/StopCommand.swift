import ArgumentParser
import Diagnostics
import Foundation
import Storage
import SystemPackage
import Terminal

/// `stop [--now]`: ends the server of a data directory.
struct StopCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stop",
    abstract: "Stop a data directory's server, waiting for its end",
    usage: "kindling stop [--now] [options]",
    discussion: """
      Running builds may end within the server's --stop-grace. With --now they are \
      interrupted at once; waiting ones run after the next start either way.

      Example:
        kindling stop --now
      """
  )

  @Flag(help: "Interrupt running builds, as a second Ctrl-C does")
  var now = false

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let folder = try DataLocation(flag: shared.dataDir).path
    // Whoever holds the lock wrote the file, so that the number is the server's and nobody else's.
    guard let file = DataDirectory.readRunFile(at: folder) else {
      throw Failure(
        .unavailable, reason: "server-unreachable", "no server runs on data directory '\(folder)'",
        hint: "name its directory with --data-dir")
    }
    guard kill(file.pid, SIGTERM) == 0 else {
      throw Failure(
        .permissionDenied, reason: "stop-refused", "the server with pid \(file.pid) is another user's",
        hint: "stop it as that user", cause: String(cString: strerror(errno)))
    }
    let limit = shared.timeout?.duration ?? .seconds(120)
    let deadline = ContinuousClock.now + limit
    while DataDirectory.readRunFile(at: folder)?.pid == file.pid {
      guard ContinuousClock.now < deadline else {
        throw Failure(
          .deadlineExceeded, reason: "stop-timeout",
          "the server with pid \(file.pid) did not stop within \(limit.components.seconds) s",
          hint: "interrupt its builds with: kindling stop --now")
      }
      try await Task.sleep(for: .milliseconds(20))
      if now { kill(file.pid, SIGINT) }
    }
    switch shared.output {
    case .json: Console.standardOutput.write(JSONText.line(["pid": file.pid]) + "\n")
    case .table: Console.standardOutput.write("stopped the server at \(file.urls.http) (pid \(file.pid))\n")
    }
  }
}
