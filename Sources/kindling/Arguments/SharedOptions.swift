import ArgumentParser
import Diagnostics
import Foundation
import SystemPackage
import Terminal

/// What every command that talks to the server takes.
struct SharedOptions: ParsableArguments {
  @Option(name: .shortAndLong, help: ArgumentHelp("What to print", valueName: "format"))
  var output: OutputFormat = .table

  @Option(help: ArgumentHelp("Where the server answers", valueName: "host:port"))
  var apiEndpoint: String?

  @Option(help: "Who is calling; 'kindling token' makes one")
  var token: String?

  @Option(help: ArgumentHelp("Act for this organisation", valueName: "name", visibility: .hidden))
  var orgName: String?

  @Option(help: ArgumentHelp("How long to wait for the server", valueName: "time", visibility: .hidden))
  var timeout: TimeSpan?

  @Option(help: ArgumentHelp("The server's data directory", valueName: "dir", visibility: .hidden))
  var dataDir: String?

  @Option(help: .private)
  var config: String?

  @Flag(help: ArgumentHelp("Show code and reason of failures", visibility: .hidden))
  var debug = false

  func validate() throws {
    if config != nil {
      throw ValidationError(
        "configuration files are not read yet; use --api-endpoint and --token, or IGNITE_API_ENDPOINT and DODIL_TOKEN"
      )
    }
  }

  static let unaryTimeout = Duration.seconds(300)
}

/// What standard output holds.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable, Sendable {
  case table, json
}

/// How a build's progress looks.
struct DisplayOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Progress on standard error", valueName: "kind"))
  var progress: ProgressMode?

  @Option(help: ArgumentHelp("Colours: auto, always or never", valueName: "when", visibility: .hidden))
  var color: Appearance.ColorChoice = .auto

  @Flag(help: ArgumentHelp("No marks beyond ASCII", visibility: .hidden))
  var ascii = false
}

extension ProgressMode: ExpressibleByArgument {}
extension Appearance.ColorChoice: ExpressibleByArgument {}

/// A time as people write it: `90`, `90s`, `5m`, `1h`, `30d`.
struct TimeSpan: ExpressibleByArgument, Sendable, Hashable {
  var seconds: UInt64

  init(seconds: UInt64) { self.seconds = seconds }

  init?(argument: String) {
    let units: [Character: UInt64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
    var digits = argument[...]
    var factor: UInt64 = 1
    if let last = digits.last, let unit = units[last] {
      factor = unit
      digits.removeLast()
    }
    guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber }), let count = UInt64(digits), count > 0
    else { return nil }
    let (seconds, overflow) = count.multipliedReportingOverflow(by: factor)
    // A hundred years: beyond it dates stop making sense to the tokens and clocks this is for.
    guard !overflow, seconds <= 3_155_760_000 else { return nil }
    self.seconds = seconds
  }

  var duration: Duration { .seconds(Int64(seconds)) }

  /// In the largest unit that leaves nothing over.
  var defaultValueDescription: String {
    let units: [(UInt64, String)] = [(86_400, "d"), (3600, "h"), (60, "m")]
    guard let unit = units.first(where: { seconds % $0.0 == 0 }) else { return "\(seconds)s" }
    return "\(seconds / unit.0)\(unit.1)"
  }
}
