import Diagnostics
import HTTPTypes
import HummingbirdCore
import Wire

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

  /// What a reader of a stream has already, when it says so: an EventSource by itself, others as `?after=`.
  var resumePoint: Int? {
    get throws(Failure) {
      guard let text = header(.lastEventID) ?? query[ResumePoint.parameter] else { return nil }
      return try ResumePoint.number(text)
    }
  }

  /// What the caller called this server: the `Host` header.
  var host: String { request.head.authority ?? "localhost" }

  /// Whether the method only reads.
  var isReading: Bool { method == .get || method == .head }
}
