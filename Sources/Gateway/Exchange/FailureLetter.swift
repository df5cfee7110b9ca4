import Diagnostics
import HTTPTypes
import HummingbirdCore

/// A failure as the JSON gateway writes it: google.rpc.Status with the reason and the hint in its details (contract §3.3).
struct FailureLetter: Sendable {
  /// google.rpc.ErrorInfo in its JSON form.
  private struct ErrorInfo: Encodable {
    enum CodingKeys: String, CodingKey {
      case type = "@type"
      case reason, domain, metadata
    }
    var type = "type.googleapis.com/google.rpc.ErrorInfo"
    var reason: String
    var domain = "kindling"
    /// `hint` and `cause`, where there are any.
    var metadata: [String: String]
  }

  private let failure: Failure

  init(_ failure: Failure) { self.failure = failure }

  /// The JSON object, written by hand so that people read code and message first.
  var json: [UInt8] {
    var metadata: [String: String] = [:]
    metadata["hint"] = failure.hint
    metadata["cause"] = failure.cause
    let info = ErrorInfo(reason: failure.reason, metadata: metadata)
    let head = "{\"code\":\(failure.code.rawValue),\"message\":\(JSONBytes.quoted(failure.oneLine)),\"details\":["
    return Array(head.utf8) + JSONBytes.encoded(info) + Array("]}".utf8)
  }
}

extension Response {
  /// The failure as a JSON letter, under the code's own status or a more exact one.
  static func failure(_ failure: Failure, status: HTTPResponse.Status? = nil) -> Response {
    var response = json(
      FailureLetter(failure).json,
      status: status ?? HTTPResponse.Status(code: failure.code.httpStatus)
    )
    if failure.code == .unauthenticated { response.headers[.wwwAuthenticate] = "Bearer" }
    return response
  }
}
