import Diagnostics
import HTTPTypes
import HummingbirdCore
import Registry

/// A failure as registry clients read it (distribution-spec, "Error codes"), our hint in its detail.
struct RegistryLetter: Encodable, Sendable {
  struct Entry: Encodable, Sendable {
    struct Detail: Encodable, Sendable {
      var reason: String
      var hint: String?
      var cause: String?
    }
    var code: String
    var message: String
    var detail: Detail
  }

  var errors: [Entry]

  init(_ failure: Failure) {
    // Docker prints the message and nothing else, so that the hint has to be in it.
    let message = failure.hint.map { "\(failure.message); \($0)" } ?? failure.message
    errors = [
      Entry(
        code: failure.ociCode,
        message: message,
        detail: .init(reason: failure.reason, hint: failure.hint, cause: failure.cause)
      )
    ]
  }
}

extension Response {
  /// The failure as a registry's answer; `status` is more exact than the code's own.
  static func registryFailure(_ failure: Failure, status: HTTPResponse.Status? = nil) -> Response {
    let status =
      switch failure.reason {
      case "range-invalid": HTTPResponse.Status.rangeNotSatisfiable
      // Clients of registries try again after 429, as after a limit that passes by itself.
      case "disk-full": HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage")
      case "size-invalid" where failure.code == .resourceExhausted: HTTPResponse.Status.contentTooLarge
      default: status ?? HTTPResponse.Status(code: failure.code.httpStatus)
      }
    return .json(RegistryLetter(failure), status: status)
  }
}
