import ArgumentParser
import Diagnostics
import Foundation
import Terminal

/// A failure of a command that knows by itself how it must be told, such as `start --json`.
struct CommandFailure: Error {
  var failure: Failure
  var asJSON: Bool
  init(_ failure: Failure, asJSON: Bool) {
    self.failure = failure
    self.asJSON = asJSON
  }
}

extension Failure {
  /// Whoever read standard output has what they wanted (`| head`).
  static let readerGone = Failure(.cancelled, reason: "reader-gone", "nobody reads the output any more")
}

/// What ended the process early, told once: to people on standard error as a letter, to programs as one JSON object.
struct Complaint {
  private let error: any Error
  private let wantsJSON: Bool
  private let isDebugging: Bool

  /// `words` tell how to speak even where they could not be parsed.
  init(_ error: any Error, words: [String]) {
    self.error = error
    wantsJSON = (error as? CommandFailure)?.asJSON ?? Self.wantsJSON(words)
    isDebugging = words.contains("--debug")
  }

  /// Prints it and returns the exit status.
  func report() -> Int32 {
    if let failure = error as? Failure {
      // What a shell reports of a program that SIGPIPE ended; nobody is left to be told.
      return failure.reason == Failure.readerGone.reason ? 141 : tell(failure)
    }
    if let wrapped = error as? CommandFailure { return tell(wrapped.failure) }
    if let exit = error as? ExitCode { return exit.rawValue }
    let status = Kindling.exitCode(for: error)
    let text = Kindling.fullMessage(for: error)
    if status == .success {
      Console.standardOutput.write(text.isEmpty || text.hasSuffix("\n") ? text : text + "\n")
      return 0
    }
    // The parser's own errors; its status is sysexits' 64, the contract's for a bad argument is 2.
    guard status == .validationFailure else {
      return tell(Failure(wrapping: error, while: "the command"))
    }
    if wantsJSON {
      return tell(Failure(.invalidArgument, reason: "usage", Kindling.message(for: error)))
    }
    Console.standardError.write(text.hasSuffix("\n") ? text : text + "\n")
    return Code.invalidArgument.exitStatus
  }

  private func tell(_ original: Failure) -> Int32 {
    var failure = original
    // What the network stack says about nobody listening is for whoever debugs it.
    if failure.reason == "server-unreachable", !isDebugging { failure.cause = nil }
    if wantsJSON {
      Console.standardError.write(Self.json(failure) + "\n")
    } else {
      var pointers: [(label: String, text: String)] = []
      if isDebugging { pointers.append(("code", "\(failure.code.name) \(failure.reason)")) }
      Console.standardError.write(
        lines: FailureText(failure, pointers: pointers).lines(Console.standardError.appearance)
      )
    }
    return failure.code.exitStatus
  }

  static func json(_ failure: Failure) -> String {
    struct Letter: Encodable {
      var code: Int
      var status: String
      var reason: String
      var message: String
      var source: SourceExcerpt?
      var cause: String?
      var hint: String?
    }
    let letter = Letter(
      code: failure.code.rawValue,
      status: failure.code.name,
      reason: failure.reason,
      message: failure.message,
      source: failure.source,
      cause: failure.cause,
      hint: failure.hint
    )
    return JSONText.line(letter)
  }

  static func wantsJSON(_ words: [String]) -> Bool {
    let joined = ["--output=json", "-ojson", "-o=json"]
    return words.contains(where: joined.contains)
      || zip(words, words.dropFirst()).contains { ($0 == "-o" || $0 == "--output") && $1 == "json" }
  }
}
