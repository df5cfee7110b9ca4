import ArgumentParser
import Diagnostics
import Foundation
import NIOHTTP1
import Registry
import Terminal

/// `gc`: what nothing names goes, while the server goes on.
struct CollectCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gc",
    abstract: "Free the space of what no image names any more",
    usage: "kindling gc [--dry-run] [--untagged <age>] [--scrub] [options]",
    discussion: """
      Pushes, pulls and builds go on meanwhile. What was pushed or asked for within \
      the grace stays, so that its manifest can follow. Images with a tag, manifests \
      without one and what steps made stay unless an option says otherwise.

      Example:
        kindling gc --dry-run --untagged 7d
      """
  )

  @Flag(help: "Tell what would go, and keep it")
  var dryRun = false

  @Option(help: ArgumentHelp("Manifests without a tag go when they are older", valueName: "age"))
  var untagged: String?

  @Option(help: ArgumentHelp("Keep that much of other registries' images", valueName: "size"))
  var pulled: String?

  @Option(help: ArgumentHelp("Keep that much of what only the step cache has", valueName: "size"))
  var steps: String?

  @Option(help: ArgumentHelp("What came or was asked for lately stays (default: 1h)", valueName: "time"))
  var grace: String?

  @Flag(help: "Read every blob again, and set aside those that are damaged")
  var scrub = false

  @OptionGroup var shared: SharedOptions

  /// What the server answers, and what `-o json` prints.
  struct Answer: Codable, Sendable {
    var collection: CollectionReport
    var scrub: ScrubReport?
  }

  func validate() throws {
    guard !(dryRun && scrub) else {
      throw ValidationError("--scrub sets aside what is damaged, which --dry-run forbids")
    }
    _ = try path
  }

  private var path: String {
    get throws {
      var words: [String] = []
      if dryRun { words.append("dryRun=true") }
      if scrub { words.append("scrub=true") }
      for (name, text) in [("untagged", untagged), ("grace", grace)] {
        guard let text else { continue }
        guard let seconds = text == "0" ? 0 : TimeSpan(argument: text)?.seconds else {
          throw ValidationError("--\(name) '\(text)' is no time; write 30s, 5m, 24h, 7d or 0")
        }
        words.append("\(name)=\(seconds)")
      }
      for (name, text) in [("pulled", pulled), ("steps", steps)] {
        guard let text else { continue }
        guard let size = ByteCount(text: text) else {
          throw ValidationError("--\(name) '\(text)' is no size; write 20GiB, 500MB or 0")
        }
        words.append("\(name)=\(size.bytes)")
      }
      return "/_kindling/gc" + (words.isEmpty ? "" : "?" + words.joined(separator: "&"))
    }
  }

  func run() async throws {
    let access = try await ServerAccess.find(shared)
    let path = try path
    // To read everything takes as long as it takes.
    let limit = scrub && shared.timeout == nil ? nil : access.timeout
    let bytes = try await HTTPDoor.open(access) { door in try await door.read(.POST, path, limit: limit) }
    guard let answer = try? JSONDecoder().decode(Answer.self, from: bytes) else {
      throw Failure(.internal, reason: "answer-unreadable", "the server's answer to the collection cannot be read")
    }
    switch shared.output {
    case .json: Console.standardOutput.write(JSONText.line(answer) + "\n")
    case .table: Console.standardOutput.write(lines: Self.lines(answer, Console.standardOutput.appearance))
    }
    guard answer.scrub.map({ $0.broken.isEmpty && $0.missing.isEmpty }) ?? true else { throw ExitCode(1) }
  }

  static func lines(_ answer: Answer, _ appearance: Appearance) -> [String] {
    let done = answer.collection
    var lines = [
      "\(appearance.paint(Mark.done)) \(done.dryRun ? "would free" : "freed") \(done.bytes), \(done.blobs) blobs"
    ]
    for (count, words) in [
      (done.untagged, "manifests without a tag"), (done.pulled, "images of other registries"),
      (done.steps, "layers of the step cache"), (done.uploads, "uploads that nobody went on with"),
    ] where count > 0 { lines.append("  \(count) \(words)") }
    if done.waiting > 0 {
      lines.append("  \(done.waiting) blobs stay for now, because they came or were asked for lately")
    }
    guard let scrub = answer.scrub else { return lines }
    lines.append("\(appearance.paint(Mark.done)) read \(scrub.bytes) of \(scrub.blobs) blobs")
    lines += scrub.broken.map {
      "\(appearance.paint(Mark.failed)) \($0.digest) is damaged and was set aside: \($0.cause)"
    }
    lines += scrub.missing.map { "\(appearance.paint(Mark.failed)) \($0) is set aside; push it again" }
    lines += scrub.healed.map { "\(appearance.paint(Mark.done)) \($0) was pushed again" }
    return lines
  }
}
