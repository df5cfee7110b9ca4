import HTTPTypes
import HummingbirdCore

/// One request on its way through the gateway.
struct Call: Sendable {
  let request: Request
  let context: GatewayContext
  /// The URL's path, still encoded.
  let path: String

  init(_ request: Request, _ context: GatewayContext) {
    self.request = request
    self.context = context
    path = request.uri.path
  }

  var method: HTTPRequest.Method { request.method }
  var query: Query { Query(request.uri.query) }

  func header(_ name: HTTPField.Name) -> String? { request.headers[name] }

  /// What the caller called this server: the `Host` header.
  var host: String { request.head.authority ?? "localhost" }

  /// Whether the method only reads.
  var isReading: Bool { method == .get || method == .head }
}
