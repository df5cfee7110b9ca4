import Diagnostics
import Foundation

/// Reads failures back from the gateway's JSON (contract §3.3).
enum ServerLetter {
  private struct Status: Decodable {
    struct Detail: Decodable {
      var reason: String?
      var metadata: [String: String]?
    }
    var code: Int
    var message: String
    var details: [Detail]?
  }

  /// The stream's last line when it ended badly: `{"error":{…}}`.
  private struct StreamEnd: Decodable { var error: Status }

  /// A response that was no success.
  static func failure(status: Int, body: Data) -> Failure {
    if let letter = try? JSONDecoder().decode(Status.self, from: body) { return failure(letter) }
    let code: Code =
      switch status {
      case 401: .unauthenticated
      case 403, 421: .permissionDenied
      case 404: .notFound
      case 502...504: .unavailable
      case 400..<500: .invalidArgument
      default: .unknown
      }
    let text = String(decoding: body.prefix(500), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    return Failure(
      code,
      reason: "http-\(status)",
      "the server answered with HTTP status \(status)",
      cause: text.isEmpty ? nil : text
    )
  }

  /// The failure a stream's line carries, nil when it carries something else.
  static func streamFailure(_ line: Data) -> Failure? {
    (try? JSONDecoder().decode(StreamEnd.self, from: line)).map { failure($0.error) }
  }

  /// The failure that a server-sent event `error` carries.
  static func eventFailure(_ body: Data) -> Failure { failure(status: 500, body: body) }

  /// On the wire the message has cause and hint appended, for clients that show nothing else.
  private static func failure(_ letter: Status) -> Failure {
    let detail = letter.details?.first
    let hint = detail?.metadata?["hint"]
    let cause = detail?.metadata?["cause"]
    var message = letter.message
    for suffix in [hint.map { "; " + $0 }, cause.map { ": " + $0 }].compactMap({ $0?.replacing("\n", with: " ") })
    where message.hasSuffix(suffix) && message.count > suffix.count {
      message.removeLast(suffix.count)
    }
    return Failure(
      Code(rawValue: letter.code) ?? .unknown,
      reason: detail?.reason ?? "unknown",
      message,
      hint: hint,
      cause: cause
    )
  }
}
