import Diagnostics

/// What becomes of a request when the server names another address.
enum RedirectTarget {
  /// Headers that belong to the server they were given for.
  private static let belonging: Set<String> = [
    "authorization", "cookie", "proxy-authorization", "private-token", "job-token", "x-registry-auth", "x-api-key",
    "x-auth-token",
  ]

  /// The address an answer leads to, or nil when it is an answer of its own.
  static func location(of answer: OutboundAnswer) -> String? {
    guard [301, 302, 303, 307, 308].contains(answer.status) else { return nil }
    return answer.header("location")
  }

  /// Turns the request to where `location` leads. Throws `outbound-redirect` where following would send a secret in
  /// the clear or a body a second time.
  static func follow(_ location: String, status: Int, in request: inout OutboundRequest) throws(Failure) {
    let origin = request.url.origin
    let target: OutboundURL
    do {
      target = try request.url.resolving(location).withoutUserinfo
    } catch {
      throw Failure(
        .unavailable, reason: "outbound-redirect", "'\(origin)' redirects to an address that cannot be followed",
        cause: error.message)
    }
    guard request.url.scheme == "http" || target.scheme == "https" else {
      throw Failure(
        .permissionDenied, reason: "outbound-redirect",
        "'\(origin)' redirects from https to plain http ('\(target.origin)')",
        hint: "use an address that stays with https")
    }
    if request.method != "GET", request.method != "HEAD" {
      // Spec: 301, 302 and 303 turn other methods into GET (RFC 9110, 15.4); none of our uses means that.
      guard status >= 307, request.body.isRepeatable else {
        throw Failure(
          .unavailable, reason: "outbound-redirect", "'\(origin)' redirects a \(request.method) with \(status)",
          hint: "use the address that it redirects to: '\(target.display)'")
      }
    }
    if target.origin != origin {
      request.headers.removeAll { belonging.contains($0.name.lowercased()) }
      request.takesAnyCertificate = false
    }
    request.url = target
  }
}
