import HTTPTypes
import HummingbirdCore

/// Why no token is given, in the words that OAuth clients read (RFC 6749 §5.2).
struct TokenRefusal: Error {
  enum Kind: String, Sendable {
    case invalidRequest = "invalid_request"
    case invalidClient = "invalid_client"
    case invalidScope = "invalid_scope"
    case unsupportedGrantType = "unsupported_grant_type"
    case serverError = "server_error"
  }

  var kind: Kind
  /// For people.
  var description: String

  init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }

  var status: HTTPResponse.Status {
    switch kind {
    case .invalidClient: .unauthorized
    case .serverError: .internalServerError
    default: .badRequest
    }
  }
}

extension Response {
  static func refused(_ refusal: TokenRefusal) -> Response {
    struct Letter: Encodable {
      var error: String
      var error_description: String
    }
    var response = json(
      Letter(error: refusal.kind.rawValue, error_description: refusal.description), status: refusal.status)
    if refusal.kind == .invalidClient { response.headers[.wwwAuthenticate] = "Basic realm=\"kindling\"" }
    return response
  }
}
