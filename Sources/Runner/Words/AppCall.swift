import Diagnostics
import Storage

/// One HTTP call to an app, by whichever door it came.
package struct AppRequest: Sendable {
  package var app: AppID
  /// Nil is whatever is active; TestDraft names another.
  package var revision: AppRevision?
  package var port: AppPort
  package var method: String
  /// Path and query, as they go on the request line.
  package var target: String
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]
  package var execution: ExecutionID

  package init(
    app: AppID, revision: AppRevision? = nil, port: AppPort = .standard, method: String = "POST", target: String = "/",
    headers: [(name: String, value: String)] = [], body: [UInt8] = [], execution: ExecutionID
  ) {
    self.app = app
    self.revision = revision
    self.port = port
    self.method = method
    self.target = target
    self.headers = headers
    self.body = body
    self.execution = execution
  }
}

/// What an app answered; the body comes as the app writes it.
package struct AppAnswer: Sendable {
  package var status: Int
  package var headers: [(name: String, value: String)]
  /// Pieces in order; throws `Failure` for an answer that breaks off or takes longer than the app may.
  package var body: AsyncThrowingStream<[UInt8], any Error>

  package init(
    status: Int, headers: [(name: String, value: String)], body: AsyncThrowingStream<[UInt8], any Error>
  ) {
    self.status = status
    self.headers = headers
    self.body = body
  }
}

/// Calls apps from inside the house: Invoke, InvokeAsync and TestDraft.
package protocol AppCaller: Sendable {
  /// Returns when the head of the answer is there. The app's own error answers are answers; a failure is that nobody
  /// answered.
  func call(_ request: AppRequest) async throws(Failure) -> AppAnswer
}
