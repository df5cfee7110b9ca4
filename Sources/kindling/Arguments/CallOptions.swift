import API
import ArgumentParser
import Diagnostics
import Foundation

/// What an app is called with, as `invoke` and the tests of drafts and versions take it.
struct CallOptions: ParsableArguments {
  @Option(
    name: .shortAndLong, help: ArgumentHelp("The call's body, or @FILE, or - for standard input", valueName: "text"))
  var payload: String?

  @Option(help: ArgumentHelp("A file that is the body", valueName: "file"))
  var payloadFile: String?

  @Option(help: ArgumentHelp("The HTTP method", valueName: "verb"))
  var method = "POST"

  @Option(help: ArgumentHelp("The path, with a query if need be", valueName: "path"))
  var path = "/"

  @Option(help: ArgumentHelp("A header of the call (repeatable)", valueName: "name: value"))
  var header: [String] = []

  func validate() throws {
    guard payload == nil || payloadFile == nil else {
      throw ValidationError("--payload and --payload-file are the same thing twice")
    }
    for word in header where !word.contains(":") {
      throw ValidationError("header '\(word)' has no ':'; write it like --header 'accept: text/plain'")
    }
  }

  /// The call's head.
  var http: Dodil_Ignite_V1_HttpContext {
    var http = Dodil_Ignite_V1_HttpContext()
    let parts = path.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    http.method = method.uppercased()
    http.path = parts[0]
    http.query = parts.count > 1 ? parts[1] : ""
    for word in header {
      guard let colon = word.firstIndex(of: ":") else { continue }
      let value = word[word.index(after: colon)...].drop { $0 == " " }
      http.headers[word[..<colon].lowercased()] = String(value)
    }
    // What platforms are called with; a call that says otherwise wins.
    if http.headers["content-type"] == nil, payload != nil || payloadFile != nil {
      http.headers["content-type"] = "application/json"
    }
    return http
  }

  /// The call's body; throws `payload-unreadable`.
  func body() throws(Failure) -> Data {
    if payload == "-" { return FileHandle.standardInput.readDataToEndOfFile() }
    let file = payloadFile ?? payload.flatMap { $0.hasPrefix("@") ? String($0.dropFirst()) : nil }
    guard let file else { return Data((payload ?? "").utf8) }
    guard let data = FileManager.default.contents(atPath: file) else {
      throw Failure(
        .invalidArgument, reason: "payload-unreadable", "'\(file)' cannot be read",
        hint: "name a file that you may read; a body that begins with '@' can be given by '-'")
    }
    return data
  }
}
