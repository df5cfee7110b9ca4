import Diagnostics
import HTTPTypes

/// Refuses state-changing requests that a page of another origin sent (CSRF). Browsers say where a request comes from
/// in `Sec-Fetch-Site` and `Origin`; registry and API clients send neither and pass.
enum OriginRule {
  static func check(_ request: HTTPRequest) throws(Failure) {
    switch request.method {
    case .get, .head, .options: return
    default: try checkSameOrigin(request)
    }
  }

  /// Throws `cross-origin` unless the request comes from this server's own pages or from no page at all.
  static func checkSameOrigin(_ request: HTTPRequest) throws(Failure) {
    if let site = request.headerFields[.secFetchSite], site != "same-origin", site != "none" { throw refusal(site) }
    guard let origin = request.headerFields[.origin] else { return }
    let authority = origin.firstRange(of: "://").map { origin[$0.upperBound...] }
    guard let authority, let own = request.authority, authority.lowercased() == own.lowercased() else {
      throw refusal(String(origin.prefix(255)))
    }
  }

  private static func refusal(_ origin: String) -> Failure {
    Failure(
      .permissionDenied,
      reason: "cross-origin",
      "the request was sent by a page of another origin ('\(origin)')",
      hint: "call the API from the server's own pages or from a program that is not a browser"
    )
  }
}
