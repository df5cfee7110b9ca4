import ArgumentParser
import Diagnostics
import Foundation
import NIOHTTP1
import Terminal

/// `reset`: the running server as it was at its first start.
struct ResetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reset",
    abstract: "Take the running server back to empty, or to its seed",
    usage: "kindling reset [--yes] [--keep-cache] [options]",
    discussion: """
      Builds, contexts, images and secrets of every organisation go; running builds \
      are cancelled first. The server goes on, and so do its tokens and the queue's \
      workers. With 'kindling start --seed' the seed is applied again.

      Example:
        kindling reset --yes --keep-cache
      """
  )

  @Flag(help: "Do not ask")
  var yes = false

  @Flag(help: "Keep what steps made and what git servers, URLs and cache mounts gave")
  var keepCache = false

  @OptionGroup var shared: SharedOptions

  /// What the server answers, and what `-o json` prints.
  struct Answer: Codable, Sendable {
    struct Item: Codable, Sendable {
      var name: String
      var ok: Bool
      var detail: String
    }
    var reset: Bool
    var seed: [Item]
  }

  func run() async throws {
    let access = try await ServerAccess.find(shared)
    guard yes || Self.agrees(to: access.endpoint) else {
      throw Failure(
        .invalidArgument, reason: "reset-not-confirmed", "nothing was reset",
        hint: "say yes, or do not be asked: kindling reset --yes")
    }
    let path = "/_kindling/reset" + (keepCache ? "?keep=cache" : "")
    let bytes = try await HTTPDoor.open(access) { door in
      try await door.read(.POST, path, limit: access.timeout)
    }
    guard let answer = try? JSONDecoder().decode(Answer.self, from: bytes) else {
      throw Failure(.internal, reason: "answer-unreadable", "the server's answer to the reset cannot be read")
    }
    switch shared.output {
    case .json: Console.standardOutput.write(JSONText.line(answer) + "\n")
    case .table: Console.standardOutput.write(lines: Self.lines(answer, Console.standardOutput.appearance))
    }
    guard answer.seed.allSatisfy(\.ok) else { throw ExitCode(1) }
  }

  static func lines(_ answer: Answer, _ appearance: Appearance) -> [String] {
    ["\(appearance.paint(Mark.done)) reset"]
      + answer.seed.map { "\(appearance.paint($0.ok ? Mark.done : Mark.failed)) seed \($0.name): \($0.detail)" }
  }

  /// Only somebody at a terminal can be asked.
  private static func agrees(to endpoint: Endpoint) -> Bool {
    guard Console.standardError.isTTY, isatty(STDIN_FILENO) == 1 else { return false }
    Console.standardError.write(
      "This removes every build, image, context and secret of the server at \(endpoint). Type yes to go on: ")
    return readLine()?.trimmingCharacters(in: .whitespaces).lowercased() == "yes"
  }
}
