import Diagnostics
import NIOHTTP1

/// An answer of ours at an app's host name: the same letters as everywhere in the gateway.
struct AppLetter {
  var status: HTTPResponseStatus
  var headers: HTTPHeaders = [:]
  var body: [UInt8] = []

  init(_ failure: Failure, status: Int? = nil) {
    // What the caller has done right and cannot change by calling otherwise is no 400 here.
    let usual = failure.code == .failedPrecondition ? 503 : failure.code.httpStatus
    self.status = HTTPResponseStatus(statusCode: status ?? usual)
    body = FailureLetter(failure).json
    headers = [
      "content-type": "application/json", "cache-control": "no-store", "content-length": "\(body.count)",
    ]
    if failure.code == .unauthenticated { headers.add(name: "www-authenticate", value: "Bearer") }
  }

  /// What browsers ask before they send a call of another origin's page (Fetch standard, "CORS protocol"); of request
  /// headers only `content-type` is allowed (contract §1.2).
  static func preflight() -> AppLetter {
    var letter = AppLetter(status: .noContent)
    letter.headers = [
      "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
      "access-control-allow-headers": "content-type",
    ]
    return letter
  }

  private init(status: HTTPResponseStatus) { self.status = status }

  mutating func retry(after seconds: Int) { headers.replaceOrAdd(name: "retry-after", value: "\(seconds)") }
}
