import ArgumentParser
import Diagnostics
import Terminal

/// `faults ls|set|clear`.
struct FaultsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "faults",
    abstract: "Make calls and builds fail, to test clients",
    usage: "kindling faults <command> [options]",
    discussion: """
      None are on unless asked for, and all end with the server. A build whose own \
      work meets one says "fault injected" in its log.

      Example:
        kindling faults set CreateBuild --code UNAVAILABLE --count 2
        kindling faults set pending
        kindling faults clear
      """,
    subcommands: [FaultsListCommand.self, FaultsSetCommand.self, FaultsClearCommand.self]
  )

  static func show(_ document: FaultDocument, _ shared: SharedOptions) {
    switch shared.output {
    case .json: Console.standardOutput.write(JSONText.line(document) + "\n")
    case .table: Console.standardOutput.write(lines: lines(document, Console.standardOutput.appearance))
    }
  }

  static func lines(_ document: FaultDocument, _ appearance: Appearance) -> [String] {
    guard !document.faults.isEmpty else { return ["no faults are on"] }
    let table = Table(
      columns: [
        .init("AT"), .init("ORGANISATION"), .init("ANSWER", mayShrink: true), .init("DELAY", alignsTrailing: true),
        .init("CHANCE", alignsTrailing: true), .init("LEFT", alignsTrailing: true),
      ],
      rows: document.faults.map { fault in
        [
          .init(fault.at), .init(fault.organization ?? "all"),
          .init([fault.code, fault.message].compactMap { $0 }.joined(separator: ": ")),
          .init(fault.delayMs.map { "\($0) ms" } ?? ""), .init(fault.probability.map { "\($0)" } ?? ""),
          .init(fault.count.map(String.init) ?? "all"),
        ]
      })
    return table.lines(appearance)
  }
}

/// `faults ls`.
struct FaultsListCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ls",
    abstract: "Show the faults that are on",
    usage: "kindling faults ls [options]",
    discussion: """
      Example:
        kindling faults ls
      """)

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    FaultsCommand.show(try await FaultDocument.read(try await ServerAccess.find(shared)), shared)
  }
}

/// `faults set PLACE`.
struct FaultsSetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set",
    abstract: "Put a fault in a place",
    usage: "kindling faults set <place> [options]",
    discussion: """
      A place is an RPC by its name, at both doors, or: pending (new builds stay \
      PENDING), log (each line comes late), clone, pull, push (of builds), \
      registry-pull, registry-push (of registry clients).

      Example:
        kindling faults set GetBuild --delay-ms 500
        kindling faults set clone --message "remote hung up" --count 1
        kindling faults set registry-push --code PERMISSION_DENIED --org acme
      """)

  @Argument(help: "Where: an RPC, or one of the words above")
  var place: String

  @Option(help: ArgumentHelp("What is answered; UNAVAILABLE, of the registry UNAUTHENTICATED", valueName: "code"))
  var code: String?

  @Option(help: ArgumentHelp("In these words", valueName: "text"))
  var message: String?

  @Option(help: ArgumentHelp("How late; without a code the call works then", valueName: "n"))
  var delayMs: Int64?

  @Option(help: ArgumentHelp("How likely, from 0 to 1", valueName: "p"))
  var probability: Double?

  @Option(help: ArgumentHelp("How often; then it is over", valueName: "n"))
  var count: Int?

  @Option(help: ArgumentHelp("Whose calls and builds alone", valueName: "organisation"))
  var org: String?

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let fault = FaultDocument.Fault(
      at: place, organization: org, code: code, message: message, delayMs: delayMs, probability: probability,
      count: count)
    FaultsCommand.show(try await FaultDocument.set(fault, try await ServerAccess.find(shared)), shared)
  }
}

/// `faults clear [PLACE]`.
struct FaultsClearCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "clear",
    abstract: "Take the faults of a place away, or all",
    usage: "kindling faults clear [<place>] [options]",
    discussion: """
      Builds that a fault kept PENDING are queued then.

      Example:
        kindling faults clear pending
      """)

  @Argument(help: "Where; all places when it is left out")
  var place: String?

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    FaultsCommand.show(try await FaultDocument.clear(place, try await ServerAccess.find(shared)), shared)
  }
}
