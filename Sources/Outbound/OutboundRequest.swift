import Diagnostics
import SystemPackage

/// What happens when a server answers with another address.
package enum RedirectRule: Sendable, Hashable {
  /// The answer is handed over as it is.
  case none
  /// At most `limit` redirects are followed; one more is the failure `outbound-redirect-limit`.
  case follow(limit: Int)
}

/// The body of a request.
package enum OutboundBody: Sendable {
  case none
  case bytes([UInt8])
  /// `length` bytes of a file from `offset`, read piece by piece.
  case file(FilePath, offset: Int64, length: Int64)
  /// Pieces made on the way; without a length they travel chunked. It is never sent twice, so a redirect fails.
  case stream(length: Int64?, next: @Sendable () async throws(Failure) -> [UInt8]?)

  /// Whether the same bytes can be sent a second time.
  var isRepeatable: Bool {
    if case .stream = self { false } else { true }
  }
}

/// One request to a server elsewhere.
package struct OutboundRequest: Sendable {
  package var method: String
  /// The userinfo of the address is never sent: the caller decides, with a header.
  package var url: OutboundURL
  /// `Authorization`, `Cookie` and their like stay with the origin of `url` whatever redirects say.
  package var headers: [(name: String, value: String)]
  package var body: OutboundBody
  package var redirects: RedirectRule
  /// The largest body that a gzip'd answer may unpack to; nil asks for no compression and unpacks nothing.
  package var acceptsGzip: ByteCount?
  /// In place of the policy's `idleTimeout`.
  package var idleTimeout: Duration?
  /// In place of the policy's `connectTimeout`; finding the addresses of a name may take as long.
  package var connectTimeout: Duration?
  /// Whether any certificate is taken, as long as no redirect leads to another origin.
  package var takesAnyCertificate = false
  /// The server on whose word this address is asked, such as the one that named where its tokens are made: the address
  /// then may be no other kind of place than a redirect of that server might lead to.
  package var ledBy: OutboundURL?
  /// Of the answer on whose word this address is asked; counts in place of `ledBy`, and nothing is looked up for it.
  package var beginning: OutboundBeginning?

  package init(
    method: String = "GET", url: OutboundURL, headers: [(name: String, value: String)] = [],
    body: OutboundBody = .none, redirects: RedirectRule = .none, acceptsGzip: ByteCount? = nil,
    idleTimeout: Duration? = nil
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
    self.redirects = redirects
    self.acceptsGzip = acceptsGzip
    self.idleTimeout = idleTimeout
  }
}
