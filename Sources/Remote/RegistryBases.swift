import Diagnostics
import Outbound

/// Whether a registry is spoken to with TLS or without, found out once where it is not certain.
actor RegistryBases {
  private let client: OutboundClient
  private var known: [RegistryEndpoint: OutboundURL] = [:]

  init(client: OutboundClient) { self.client = client }

  /// `http(s)://host[:port]/`. Throws what neither way of connecting got past.
  ///
  /// Docker: a registry on this machine, or one named as insecure, is tried both ways; any other has TLS.
  func base(of endpoint: RegistryEndpoint) async throws(Failure) -> OutboundURL {
    if let found = known[endpoint] { return found }
    if let scheme = endpoint.scheme { return try OutboundURL(parsing: "\(scheme)://\(endpoint.authority)/") }
    let secure = try OutboundURL(parsing: "https://\(endpoint.authority)/")
    guard endpoint.isInsecure else { return secure }
    let plain = try OutboundURL(parsing: "http://\(endpoint.authority)/")
    var first: Failure?
    for base in endpoint.isLocal ? [plain, secure] : [secure, plain] {
      do {
        // A TLS server told plain words answers 400.
        if try await answers(base) != 400 {
          known[endpoint] = base
          return base
        }
      } catch {
        // What refuses TLS may refuse the connection to http too; then that is the better word.
        guard error.reason == "outbound-tls" || error.reason == "outbound-closed" || error.reason == "outbound-protocol"
        else { throw error }
        first = first ?? error
      }
    }
    throw first
      ?? Failure(
        .unavailable, reason: "registry-answer", "'\(endpoint.authority)' is no registry", hint: "check the address")
  }

  private func answers(_ base: OutboundURL) async throws(Failure) -> Int {
    var request = OutboundRequest(url: base.with(pathAndQuery: "/v2/"), redirects: .none)
    request.takesAnyCertificate = true
    let answer = try await client.send(request)
    await answer.discard()
    return answer.status
  }
}
