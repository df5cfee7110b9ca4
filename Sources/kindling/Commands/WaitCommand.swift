import API
import ArgumentParser
import Diagnostics
import Foundation
import RPC
import Terminal

/// `wait [BUILD]`: for scripts that start a server beside themselves, or a build.
struct WaitCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wait",
    abstract: "Wait for a ready server, or for a build to end",
    usage: "kindling wait [<build>] [--timeout 30s] [options]",
    discussion: """
      Without a build waits 30 seconds for a server to be ready, seed included, \
      unless --timeout says otherwise. With one, as long as the build takes, and \
      exits with 0 only when it SUCCEEDED.

      Example:
        kindling start & kindling wait && kindling build .
      """
  )

  @Argument(help: "The build's id, its beginning, or ^0 for the newest")
  var build: String?

  @OptionGroup var shared: SharedOptions

  private static let usualPatience = Duration.seconds(30)

  func run() async throws {
    if let build { try await waitForEnd(of: build) } else { try await waitForServer() }
  }

  private func waitForServer() async throws {
    let environment = ProcessInfo.processInfo.environment
    let limit = shared.timeout?.duration ?? Self.usualPatience
    let deadline = ContinuousClock.now + limit
    var obstacle = "no server answers"
    repeat {
      // Anew each time: a server that starts writes down where it is only then.
      let endpoint = try ServerLookup.live(environment).endpoint(shared)
      do throws(Failure) {
        let readiness = try await StatusCommand.ask(ServerAccess(endpoint: endpoint, timeout: .seconds(2)))
        if readiness.ready { return show(endpoint) }
        obstacle = readiness.parts.first { !$0.ok }.map { "\($0.name): \($0.detail)" } ?? "not ready"
      } catch {
        obstacle = error.message
      }
      try await Task.sleep(for: .milliseconds(50))
    } while ContinuousClock.now < deadline
    throw Failure(
      .deadlineExceeded, reason: "not-ready", "no server was ready within \(limit.components.seconds) s",
      hint: "look at it with: kindling status", cause: obstacle)
  }

  private func show(_ endpoint: Endpoint) {
    switch shared.output {
    case .json: Console.standardOutput.write(JSONText.line(["url": endpoint.url]) + "\n")
    case .table: Console.standardOutput.write("ready at \(endpoint.url)\n")
    }
  }

  private func waitForEnd(of name: String) async throws {
    let access = try await ServerAccess.find(shared)
    let id = try await access.call { client in try await BuildLookup.id(name, client) }
    try await Deadline.bounded(shared.timeout?.duration, what: "build '\(id)'") {
      try await EventStream(access: access, buildID: id).follow { _, _ in }
    }
    let answer = try await access.call { client in try await client.getBuild(id) }
    switch shared.output {
    case .json:
      var response = Dodil_Ignite_V1_GetBuildResponse()
      response.build = answer
      try Messages.print(response)
    case .table: Console.standardOutput.write("\(id) \(Messages.cell(answer.status).text)\n")
    }
    guard answer.status == .succeeded else { throw ExitCode(1) }
  }
}
