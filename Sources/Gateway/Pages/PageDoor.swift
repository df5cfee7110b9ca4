import Diagnostics
import HTTPTypes
import HummingbirdCore

/// The web page's files, and its own paths, which all are `index.html`: the page finds its way by itself.
struct PageDoor: Sendable {
  private static let securityPolicy =
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

  let assets: [String: WebAsset]

  func respond(to call: Call) throws(Failure) -> Response {
    let path = PercentText.decoded(call.path)
    let isPage = path == "/" || path == "/builds" || path.hasPrefix("/builds/")
    guard let asset = assets[isPage ? "/index.html" : path] else { throw unknownPath(call) }
    guard call.isReading else { return .methodNotAllowed(call, allowed: [.get]) }
    // Asked for again each time, answered with 304 most times: a new server never meets an old page's script.
    var headers: HTTPFields = [
      .contentType: asset.contentType, .eTag: asset.entityTag, .cacheControl: "no-cache",
      .contentSecurityPolicy: Self.securityPolicy, .referrerPolicy: "same-origin",
    ]
    if EntityTag.matches(call.header(.ifNoneMatch), asset.entityTag) {
      headers[.contentType] = nil
      return Response(status: .notModified, headers: headers)
    }
    return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: asset.bytes))
  }

  private func unknownPath(_ call: Call) -> Failure {
    Failure(
      .notFound,
      reason: "path-unknown",
      "nothing answers on '\(call.path.prefix(500))'",
      hint: "the page is at /, the API under /v1/ignite/, the registry under /v2/, health at /livez and /readyz"
    )
  }
}
