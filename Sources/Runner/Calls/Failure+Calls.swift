import Diagnostics
import NIOCore
import NIOHTTP1
import Storage

/// Why a call got no answer, or no end of one.
package struct CallFailure: Error, Sendable {
  package var failure: Failure
  /// The HTTP status a door answers with, when it still can.
  package var status: Int
  /// The replica had ended before anything was sent to it, so that another may be asked.
  package var isReplicaGone = false
}

extension CallFailure {
  static func socket(_ failure: Failure) -> CallFailure {
    CallFailure(failure: failure, status: 503, isReplicaGone: failure.reason == "replica-ended")
  }

  static func notListening(_ app: AppID, _ port: AppPort, _ cause: String) -> CallFailure {
    let listen = port == .standard ? "on the port that PORT says" : "on port \(port) too, or take it out of its ports"
    return CallFailure(
      failure: Failure(
        .unavailable, reason: "app-not-listening", "app '\(app)' does not take connections on port \(port)",
        hint: "let it listen \(listen), and see its log: \(logs(app))", cause: cause),
      status: 502)
  }

  static func noAnswer(_ app: AppID, isRetried: Bool, cause: String?) -> CallFailure {
    CallFailure(
      failure: Failure(
        .unavailable, reason: "answer-missing", "app '\(app)' closed the connection without an answer",
        hint: isRetried
          ? "see its log: \(logs(app))"
          : "it may have acted on the call, so it was not sent again; see its log: \(logs(app))", cause: cause),
      status: 502)
  }

  static func headTooLarge(_ app: AppID) -> CallFailure {
    CallFailure(
      failure: Failure(
        .unavailable, reason: "answer-head-too-large",
        "the headers of the answer of app '\(app)' are larger than \(CallLimits.head >> 10) KiB",
        hint: "send what is large in the body"),
      status: 502)
  }

  static func invalid(_ app: AppID, _ cause: String) -> CallFailure {
    CallFailure(
      failure: Failure(
        .unavailable, reason: "answer-invalid", "the answer of app '\(app)' is not HTTP/1.1",
        hint: "see its log: \(logs(app))", cause: cause),
      status: 502)
  }

  static func brokenOff(_ app: AppID, _ cause: String?) -> CallFailure {
    CallFailure(
      failure: Failure(
        .unavailable, reason: "answer-broken-off", "the answer of app '\(app)' broke off before its end",
        hint: "see its log: \(logs(app))", cause: cause),
      status: 502)
  }

  static func timeout(_ app: AppID, _ limit: Duration, hasBegun: Bool) -> CallFailure {
    let words = hasBegun ? "was not through with its answer" : "did not answer"
    return CallFailure(
      failure: Failure(
        .deadlineExceeded, reason: "call-timeout", "app '\(app)' \(words) after \(limit.seconds) s",
        hint: "raise limits.timeout_secs of the app, or see what it waits for: \(logs(app))"),
      status: 504)
  }

  private static func logs(_ app: AppID) -> String { "kindling app logs \(app.name)" }
}

extension Duration {
  fileprivate var seconds: String {
    let (seconds, attoseconds) = components
    return attoseconds == 0 ? "\(seconds)" : "\(Double(seconds) + Double(attoseconds) / 1e18)"
  }
}

/// What a call may be made of.
package enum CallLimits {
  /// Bytes of all header names and values of one message, either way.
  package static let head = 64 << 10
  /// Header fields of one message.
  package static let fields = 512
  /// Idle connections that are kept to one port of one replica, by each event loop.
  static let idleConnections = 64
  /// Common servers close idle connections after five seconds and more (Node.js, uvicorn); being first spares the
  /// calls that would meet the closing.
  static let idleTime = TimeAmount.seconds(4)
  /// Until a replica has taken a connection.
  static let connectTime = TimeAmount.seconds(5)

  /// For NIO's decoders.
  package static var decoding: NIOHTTPDecoderLimitConfiguration {
    var limits = NIOHTTPDecoderLimitConfiguration()
    limits.maxHeaderFieldSize = head
    limits.maxHeaderListSize = head
    limits.maxHeaderFieldCount = fields
    return limits
  }
}
