import Diagnostics
import HTTPTypes
import HummingbirdCore

/// A failure as the JSON gateway writes it: google.rpc.Status with the reason and the hint in its details (contract §3.3).
struct FailureLetter: Encodable, Sendable {
  /// google.rpc.ErrorInfo in its JSON form.
  struct ErrorInfo: Encodable, Sendable {
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

  var code: Int
  var message: String
  var details: [ErrorInfo]

  init(_ failure: Failure) {
    var metadata: [String: String] = [:]
    metadata["hint"] = failure.hint
    metadata["cause"] = failure.cause
    code = failure.code.rawValue
    message = failure.oneLine
    details = [ErrorInfo(reason: failure.reason, metadata: metadata)]
  }
}

extension Response {
  /// The failure as a JSON letter, under the code's own status or a more exact one.
  static func failure(_ failure: Failure, status: HTTPResponse.Status? = nil) -> Response {
    var response = json(
      FailureLetter(failure),
      status: status ?? HTTPResponse.Status(code: failure.code.httpStatus)
    )
    if failure.code == .unauthenticated { response.headers[.wwwAuthenticate] = "Bearer" }
    return response
  }
}
