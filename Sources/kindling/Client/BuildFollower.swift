import ArgumentParser
import Diagnostics
import Foundation
import Terminal

/// Shows a build until it is over.
struct BuildFollower: Sendable {
  let access: ServerAccess
  let display: BuildDisplay
  let appearance: Appearance

  init(_ access: ServerAccess, options: DisplayOptions, title: String) throws(Failure) {
    let environment = ProcessInfo.processInfo.environment
    self.access = access
    appearance = Console.standardError.appearance(options)
    let mode = try Self.mode(options, environment: environment)
    display = BuildDisplay(
      mode: mode.resolved(isTTY: Console.standardError.isTTY, environment: environment),
      title: title,
      appearance: appearance,
      environment: environment
    )
  }

  /// `--progress`, else `KINDLING_PROGRESS`, else `auto`.
  static func mode(_ options: DisplayOptions, environment: [String: String]) throws(Failure) -> ProgressMode {
    if let option = options.progress { return option }
    guard let word = environment["KINDLING_PROGRESS"], !word.isEmpty else { return .auto }
    guard let mode = ProgressMode(rawValue: word) else {
      throw Failure(
        .invalidArgument,
        reason: "progress-unknown",
        "KINDLING_PROGRESS is '\(word)', which is no kind of progress",
        hint: "set it to \(ProgressMode.allCases.map(\.rawValue).joined(separator: ", ")), or unset it"
      )
    }
    return mode
  }

  private enum End { case over, interrupted, never }

  /// Follows to the end. Throws the exit status 1 when the build is FAILED or CANCELLED (the card has said why), 130
  /// after Ctrl-C.
  func follow(_ buildID: String) async throws -> BuildProgress {
    let events = EventStream(access: access, buildID: buildID)
    let display = display
    let end = try await withThrowingTaskGroup(of: End.self) { group in
      group.addTask {
        try await Deadline.bounded(access.timeout, what: "build '\(buildID)'") {
          try await events.follow { event, line in await display.show(event, json: line) }
        }
        return .over
      }
      group.addTask {
        while (try? await Task.sleep(for: BuildDisplay.interval)) != nil { await display.tick() }
        return .never
      }
      group.addTask {
        for await _ in Interrupts.stream() { return .interrupted }
        return .never
      }
      defer { group.cancelAll() }
      return try await group.next() ?? .never
    }
    if end == .interrupted { try await leave(buildID) }
    let progress = await display.progress
    let page = "\(access.endpoint.url.replacing("127.0.0.1", with: "localhost"))/builds/\(buildID)"
    await display.finish(card: EndingCard(progress: progress, buildID: buildID, pageURL: page))
    guard case .succeeded = progress.outcome else { throw ExitCode(1) }
    return progress
  }

  /// The build is the server's; Ctrl-C only ends the watching.
  private func leave(_ buildID: String) async throws -> Never {
    await display.finish(card: nil)
    Console.standardError.write(lines: [
      "", "build \(buildID) goes on", "  watch  kindling build logs \(buildID) --from-start",
      "  stop   kindling build cancel \(buildID)",
    ])
    throw ExitCode(Interrupts.exitStatus)
  }
}
