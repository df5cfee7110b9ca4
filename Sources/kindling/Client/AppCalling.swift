import API
import ArgumentParser
import Diagnostics
import RPC
import Terminal

/// Calls an app: its body on standard output as it comes, or the whole answer as one JSON object; everything else on
/// standard error.
struct AppCalling: Sendable {
  let app: AppTarget
  let call: CallOptions
  var output: OutputFormat = .table

  /// Throws the exit status 1 when the app answers with 400 or more, once its body is written.
  func invoke() async throws {
    var request = Dodil_Ignite_V1_InvokeRequest()
    request.organizationName = app.organization
    request.appName = app.name
    request.http = call.http
    request.body = try call.body()
    let message = request
    let heard = Heard(keepsBody: output == .json)
    try await app.access.stream { client in
      try await client.invoke(message) { try await heard.take($0) }
    }
    // What follows on a terminal begins a line of its own; what is read by a program is as it was.
    if await heard.isInLine, Console.standardOutput.isTTY { Console.standardOutput.write("\n") }
    if let error = await heard.error {
      throw Failure(
        .unavailable, reason: "call-broken-off", "the answer of '\(app.id)' broke off", hint: Self.logs(app),
        cause: error)
    }
    if output == .json { try Messages.print(await heard.answer) }
    try Self.judge(await heard.status, app)
  }

  /// Says what an answer of 400 or more is, and ends with the exit status 1 then.
  static func judge(_ status: UInt32, _ app: AppTarget) throws {
    guard status >= 400 else { return }
    Console.standardError.write("'\(app.id)' answered with HTTP status \(status); \(logs(app))\n")
    throw ExitCode(1)
  }

  private static func logs(_ app: AppTarget) -> String { "what it wrote: kindling app logs \(app.id)" }

  /// What came so far.
  private actor Heard {
    /// With the body only where that is kept; the shape that TestDraft answers with.
    private(set) var answer = Dodil_Ignite_V1_TestDraftResponse()
    private(set) var error: String?
    private(set) var isInLine = false
    private let keepsBody: Bool

    init(keepsBody: Bool) { self.keepsBody = keepsBody }
    var status: UInt32 { answer.statusCode }

    func take(_ frame: Dodil_Ignite_V1_InvokeResponse) throws {
      switch frame.frame {
      case .head(let head):
        answer.statusCode = head.statusCode
        answer.headers = head.headers
        answer.executionID = head.executionID
      case .chunk(let bytes) where keepsBody: answer.body += bytes
      case .chunk(let bytes):
        isInLine = bytes.last.map { $0 != 0x0a } ?? isInLine
        guard Console.standardOutput.write(bytes: bytes) else { throw Failure.readerGone }
      case .trailer(let trailer): error = trailer.error.isEmpty ? nil : trailer.error
      case nil: break
      }
    }
  }
}
