import API
import ArgumentParser
import Diagnostics
import RPC
import Terminal

/// `app logs NAME`.
struct AppLogsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logs",
    abstract: "Print what an app's replicas wrote",
    usage: "kindling app logs <app> [options]",
    discussion: """
      Example:
        kindling app logs hello --follow
      """
  )

  @Argument(help: "The app: hello, or acme:hello")
  var app: String

  @Flag(help: "Keep printing what comes")
  var follow = false

  @Option(help: "How many lines at most, from the newest back")
  var limit: UInt32 = 1000

  @Option(help: ArgumentHelp("Of this replica alone", valueName: "id"))
  var replica: String?

  @Flag(help: "Put the time in front of each line")
  var timestamps = false

  @Flag(help: "Put the replica in front of each line")
  var names = false

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let app = try await AppTarget.find(app, shared)
    var request = Dodil_Ignite_V1_GetAppLogsRequest()
    request.organizationName = app.organization
    request.appName = app.name
    request.limit = limit
    request.replicaID = replica ?? ""
    let message = request
    let show = show
    guard follow else {
      let answer = try await app.access.call { try await $0.getAppLogs(message) }
      for line in answer.lines { try show(line) }
      if answer.lines.isEmpty, shared.output == .table {
        Console.standardError.write("no replica has written anything; one starts with the first call\n")
      }
      return
    }
    try await Interrupts.stopping {
      try await app.access.stream { client in try await client.streamAppLogs(message) { try show($0) } }
    }
  }

  private var show: @Sendable (Dodil_Ignite_V1_AppLogLine) throws -> Void {
    let (output, timestamps, names) = (shared.output, timestamps, names)
    return { line in
      guard output == .table else { return try Messages.print(line) }
      var text = timestamps ? Timestamp(milliseconds: line.timestampMs).internetText + " " : ""
      if names { text += line.replicaID + " " }
      guard Console.standardOutput.write(text + line.line + "\n") else { throw Failure.readerGone }
    }
  }
}
