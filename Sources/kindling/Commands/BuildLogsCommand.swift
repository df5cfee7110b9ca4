import API
import ArgumentParser
import Diagnostics
import Foundation
import RPC
import Terminal

/// `build logs ID`.
struct BuildLogsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "logs",
    abstract: "Print a build's log, following a running build",
    usage: "kindling build logs <id> [options]",
    discussion: """
      Of a running build the lines from now on are printed, with --from-start all of \
      them. The log of a build that is over is printed whole.

      Example:
        kindling build logs ^0 --from-start
      """
  )

  @Argument(help: "The build's id, its beginning, or ^0 for the newest")
  var id: String

  @Flag(help: "Begin with the first line")
  var fromStart = false

  @Flag(help: "Keep printing while the build runs; this is what happens anyway")
  var follow = false

  @Flag(help: "Put the time in front of each line")
  var timestamps = false

  @Option(help: ArgumentHelp("Only lines since then: 10m, 2h, or 2026-01-31T12:00:00Z", valueName: "time"))
  var since: LogMoment?

  @OptionGroup var shared: SharedOptions

  func run() async throws {
    let access = try await ServerAccess.find(shared)
    let given = id
    let build = try await access.call { client in
      try await client.getBuild(try await BuildLookup.id(given, client))
    }
    let isOver = [.succeeded, .failed, .cancelled].contains(build.status)
    let log = LogStream(access: access, buildID: build.buildID, fromStart: fromStart || isOver || since != nil)
    let earliest = since?.earliest(now: Date()) ?? .min
    let (prints, timestamps) = (shared.output, timestamps)
    try await Deadline.bounded(access.timeout, what: "build '\(build.buildID)'") {
      try await log.follow { lines in
        let wanted = lines.filter { $0.timestampMs >= earliest }
        switch prints {
        case .json: for line in wanted { try Messages.print(line) }
        case .table: try Self.print(wanted, timestamps: timestamps)
        }
      }
    }
  }

  private static func print(_ lines: [LogStream.Line], timestamps: Bool) throws(Failure) {
    var text = ""
    for line in lines {
      if timestamps { text += Timestamp(milliseconds: line.timestampMs).internetText + " " }
      text += line.line
      text += "\n"
    }
    guard text.isEmpty || Console.standardOutput.write(text) else { throw Failure.readerGone }
  }
}

/// A moment as `--since` takes it: so long ago, or a date.
enum LogMoment: ExpressibleByArgument, Sendable, Hashable {
  case ago(TimeSpan)
  case date(Date)

  init?(argument: String) {
    if let span = TimeSpan(argument: argument) {
      self = .ago(span)
    } else if let date = try? Date(argument, strategy: .iso8601) {
      self = .date(date)
    } else {
      return nil
    }
  }

  /// In Unix milliseconds.
  func earliest(now: Date) -> Int64 {
    let date =
      switch self {
      case .ago(let span): now.addingTimeInterval(-Double(span.seconds))
      case .date(let date): date
      }
    return Int64(date.timeIntervalSince1970 * 1000)
  }
}
