import ArgumentParser
import Diagnostics

/// A command of the vendor's (contract §4.2) that nothing here stands behind: whatever it is given, it says so and what
/// to use instead. Hidden from help.
protocol UnemulatedCommand: ParsableCommand {
  /// As it is typed.
  static var words: String { get }
  /// What to do instead.
  static var instead: String { get }
  /// All that follows, so that no option of the vendor's is called unknown, and `--version 1` is not ours.
  var rest: [String] { get }
}

extension UnemulatedCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: words.split(separator: " ").last.map(String.init), abstract: "Not emulated", shouldDisplay: false)
  }

  func run() throws {
    throw Failure(
      .unimplemented, reason: "command-not-emulated", "'kindling \(Self.words)' is not emulated", hint: Self.instead)
  }
}

struct ExecutionLogsCommand: UnemulatedCommand {
  static let words = "execution logs"
  static let instead = "see all that its app wrote: kindling app logs APP"
  @Argument(parsing: .captureForPassthrough, help: .hidden) var rest: [String] = []
}

struct ExecutionStreamCommand: UnemulatedCommand {
  static let words = "execution stream"
  static let instead = "wait for its answer: kindling execution watch ID"
  @Argument(parsing: .captureForPassthrough, help: .hidden) var rest: [String] = []
}

struct ExecutionListCommand: UnemulatedCommand {
  static let words = "execution list"
  static let instead = "InvokeAsync answers with the id of each; see one: kindling execution get ID"
  @Argument(parsing: .captureForPassthrough, help: .hidden) var rest: [String] = []
}

struct VersionCodeCommand: UnemulatedCommand {
  static let words = "version code"
  static let instead = "see its image: kindling version get APP VERSION; pull that with docker or skopeo to read it"
  @Argument(parsing: .captureForPassthrough, help: .hidden) var rest: [String] = []
}
