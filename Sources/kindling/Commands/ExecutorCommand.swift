import ArgumentParser
import Diagnostics
import Foundation
import Sandbox
import Service
import Terminal

/// `executor`: Kaniko's command line, standing alone without a server.
struct ExecutorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "executor",
    abstract: "Build with Kaniko's flags, without a server",
    usage: "kindling executor --context dir://PATH --destination NAME:TAG [flags]",
    discussion: """
      Takes every flag of Kaniko's executor; 'kindling executor --help' lists them
      below. Exits with the status of the command that failed, else with 1.

      Examples:
        kindling executor --context dir://. --no-push --tar-path image.tar
        tar -cz . | kindling executor --context tar://stdin --no-push \\
          --oci-layout-path out --digest-file digest
      """
  )

  @Argument(parsing: .captureForPassthrough, help: .hidden)
  var words: [String] = []

  func run() async throws {
    if words.contains(where: ["--help", "-h", "help"].contains) {
      let help = Kindling.helpMessage(for: Self.self, columns: 80)
      Console.standardOutput.write(lines: [help, "FLAGS:"] + ExecutorFlag.listing)
      return
    }
    if words == ["version"] {
      Console.standardOutput.write("kindling \(Kindling.version)\n")
      return
    }
    let environment = ProcessInfo.processInfo.environment
    let settings: ExecutorSettings
    do throws(Failure) {
      settings = try ExecutorSettings(words: words, environment: environment)
      // An ordinary user becomes root of a user namespace first; this does not return then.
      if UserNamespace.isNeeded { try UserNamespace.enter(arguments: CommandLine.arguments) }
    } catch {
      throw Self.told(error, asJSON: false)
    }
    let usesColor = Console.standardError.appearance.usesColor
    let run = ExecutorRun(
      settings: settings, environment: environment, log: ExecutorLog(settings.log, usesColor: usesColor))
    do throws(Failure) {
      try await Self.interruptible { () async throws(Failure) in try await run.run() }
    } catch {
      throw Self.told(error, asJSON: settings.log.format == .json)
    }
  }

  /// Runs `body` and cancels it when a signal asks for the end: what it started is cleaned away then.
  private static func interruptible(_ body: @escaping @Sendable () async throws(Failure) -> Void) async throws(Failure)
  {
    let work = Task { () -> Failure? in
      do throws(Failure) {
        // Builds block on the disk; Swift's own threads are too few for that.
        try await BuildThreads().run(body)
        return nil
      } catch { return error }
    }
    let watch = Task { () -> Int32? in
      for await number in EndSignals.stream() {
        work.cancel()
        return number
      }
      return nil
    }
    let failure = await work.value
    watch.cancel()
    guard var failure else { return }
    if failure.code == .cancelled, let number = await watch.value { failure.commandStatus = 128 + number }
    throw failure
  }

  /// Prints the letter; the status is that of the command that failed, else 1, as Kaniko has no other.
  private static func told(_ failure: Failure, asJSON: Bool) -> ExitCode {
    let lines = asJSON ? [Complaint.json(failure)] : FailureText(failure).lines(Console.standardError.appearance)
    Console.standardError.write(lines: lines)
    let status = failure.commandStatus ?? 1
    return ExitCode((1...255).contains(status) ? status : 1)
  }
}
