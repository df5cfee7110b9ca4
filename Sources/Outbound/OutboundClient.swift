import AsyncHTTPClient
import Diagnostics
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The one way out of the house: requests to servers elsewhere.
///
/// Every name is resolved here and the connection is made to an address that was looked at, so that a name that changes
/// its mind between two lookups gains nothing. Redirects are followed here, under the rules of `RedirectRule` and
/// `AddressClass`. Cancelling the task closes the connection.
package final class OutboundClient: Sendable {
  private let policy: OutboundPolicy
  private let proxies: ProxyRules
  private let pool: ClientPool
  private let authoritiesOfEnvironment: [FilePath]
  private let configurations = Mutex<[OutboundPolicy.Trust: TLSConfiguration]>([:])
  /// Tells the addresses of a host; tests put their own in place of the system's resolver.
  private let resolve: Resolver

  typealias Resolver =
    @Sendable (_ host: String, _ port: Int, _ patience: Duration) async throws(Failure) -> [NetworkAddress]

  /// Reads the proxies (`HTTPS_PROXY` and its like) and `SSL_CERT_FILE` out of `environment`.
  package convenience init(policy: OutboundPolicy, environment: [String: String]) {
    self.init(policy: policy, environment: environment) {
      (host, port, patience) async throws(Failure) -> [NetworkAddress] in
      try await NameResolver.addresses(of: host, port: port, patience: patience)
    }
  }

  init(policy: OutboundPolicy, environment: [String: String], resolve: @escaping Resolver) {
    self.policy = policy
    self.resolve = resolve
    proxies = ProxyRules(environment: environment)
    pool = ClientPool(policy: policy)
    let named = environment["SSL_CERT_FILE"].flatMap { $0.isEmpty ? nil : FilePath($0) }
    authoritiesOfEnvironment = named.map { [$0] } ?? []
  }

  /// Ends every connection. Requests afterwards fail with `outbound-closed`.
  package func shutdown() async { await pool.shutdown() }

  /// Sends a request and returns when the head of the answer is there; any status is an answer.
  ///
  /// Throws `outbound-dns`, `-refused`, `-unreachable`, `-timeout`, `-tls`, `-closed`, `-protocol`, `-proxy`,
  /// `-address` (a place where requests do not go), `-redirect…`, `-offline`, `cancelled`, and what the body throws.
  package func send(_ request: OutboundRequest) async throws(Failure) -> OutboundAnswer {
    var request = request
    var first: Route?
    let patience = request.connectTimeout ?? policy.connectTimeout
    if let beginning = request.beginning {
      first = Route(addresses: [], kind: beginning.kind)
    } else if let server = request.ledBy {
      first = try await self.route(to: server, from: nil, patience: patience)
    }
    var begun = first.map { OutboundBeginning(kind: $0.kind) }
    var route = try await route(to: request.url, from: first, patience: patience)
    let beginning = first ?? route
    var followed = 0
    while true {
      let answer = try await exchange(request, over: route, begun)
      begun = answer.beginning
      guard case .follow(let limit) = request.redirects, let location = RedirectTarget.location(of: answer) else {
        return answer
      }
      await answer.discard()
      followed += 1
      guard followed <= limit else {
        throw Failure(
          .unavailable, reason: "outbound-redirect-limit",
          "'\(request.url.origin)' answered with more than \(limit) redirects", hint: "check the address")
      }
      try RedirectTarget.follow(location, status: answer.status, in: &request)
      route = try await self.route(to: request.url, from: beginning, patience: patience)
    }
  }

  /// How a server is reached.
  private struct Route {
    var proxy: ProxyRules.Proxy?
    /// In order of preference; empty where a proxy resolves the name.
    var addresses: [NetworkAddress]
    /// What kind of place the request went to first, which redirects may go to again.
    var kind: AddressClass?
  }

  private func route(
    to url: OutboundURL, from first: Route?, patience: Duration
  ) async throws(Failure) -> Route {
    let proxy = try proxies.proxy(for: url)
    var addresses: [NetworkAddress] = []
    if proxy == nil {
      addresses = try await resolve(url.host, url.port, patience)
    } else if let address = NameResolver.numeric(url.host) {
      // A proxy resolves names by its own lights; an address that is written out is still looked at.
      addresses = [address]
    }
    let kinds = Set(addresses.map(\.kind))
    if policy.reach == .loopback, addresses.isEmpty || kinds != [.loopback] {
      throw Failure(
        .failedPrecondition, reason: "outbound-offline",
        "'\(url.origin)' is not on this machine, and the network is switched off",
        hint: "start the server with --network open or --network pulls")
    }
    let allowed = addresses.filter { address in
      let kind = address.kind
      if kind.isAlwaysRefused { return false }
      guard let first else { return true }
      return kind == .public || first.kind == kind
    }
    guard !allowed.isEmpty || addresses.isEmpty else {
      let words = addresses[0].kind.words
      throw Failure(
        .permissionDenied, reason: "outbound-address",
        first == nil
          ? "'\(url.origin)' is \(words), where no request goes"
          : "another server leads to '\(url.origin)', which is \(words)",
        hint: first == nil ? nil : "if it is meant, name that server in the address itself")
    }
    // A name with addresses of several kinds opens none of them to redirects.
    return Route(proxy: proxy, addresses: proxy == nil ? allowed : [], kind: kinds.count == 1 ? kinds.first : nil)
  }

  /// What became of a request at one address.
  private enum Attempt {
    case answered(OutboundAnswer)
    /// Nothing can have been sent.
    case notConnected(Failure)
  }

  /// One request and the head of its answer, over the first address that takes a connection.
  private func exchange(
    _ request: OutboundRequest, over route: Route, _ begun: OutboundBeginning?
  ) async throws(Failure) -> OutboundAnswer {
    let prepared = try prepare(request)
    let patience = ClientPool.Patience(
      connect: request.connectTimeout ?? policy.connectTimeout, idle: request.idleTimeout ?? policy.idleTimeout)
    // Addresses with a connection come first: servers with many tell them in another order each time.
    let ways =
      route.addresses.isEmpty
      ? [ClientPool.Way(pinned: nil, proxy: route.proxy, patience: patience)]
      : pool.knownFirst(
        route.addresses.prefix(4).map {
          ClientPool.Way(to: $0, for: request.url.host, patience: patience)
        })
    var first: Failure?
    for way in ways {
      // A name with addresses of several kinds counts as the one that took the connection.
      let kind = way.pinned.flatMap { NetworkAddress(literal: $0.address)?.kind } ?? route.kind
      switch try await attempt(request, prepared, way, begun ?? OutboundBeginning(kind: kind)) {
      case .answered(let answer): return answer
      case .notConnected(let failure): first = first ?? failure
      }
    }
    throw first ?? Failure(.unavailable, reason: "outbound-dns", "'\(request.url.origin)' has no address")
  }

  private func attempt(
    _ request: OutboundRequest, _ prepared: HTTPClientRequest, _ way: ClientPool.Way, _ beginning: OutboundBeginning
  ) async throws(Failure) -> Attempt {
    let lease = try pool.lease(way)
    var repeats = request.body.isRepeatable && ["GET", "HEAD"].contains(request.method) ? 1 : 0
    while true {
      do {
        let response = try await lease.client.execute(prepared, deadline: .distantFuture)
        return .answered(
          OutboundAnswer(
            response, url: request.url, beginning: beginning, lease: lease, unpackedLimit: request.acceptsGzip))
      } catch {
        guard !Task.isCancelled else { throw Failure.outbound(CancellationError(), url: request.url) }
        // A kept connection that the server was just closing; the request did nothing there.
        if repeats > 0, (error as? HTTPClientError) == .remoteConnectionClosed {
          repeats -= 1
          continue
        }
        let failure = Failure.outbound(error, url: request.url, address: way.pinned?.address)
        guard Self.isBeforeConnection(error) else { throw failure }
        return .notConnected(failure)
      }
    }
  }

  private static func isBeforeConnection(_ error: any Error) -> Bool {
    if let error = error as? HTTPClientError { return error == .connectTimeout }
    if case .connectTimeout? = error as? ChannelError { return true }
    // Spec: connect(2) ends with these; a connection that stands ends with ECONNRESET or EPIPE.
    return [ECONNREFUSED, ENETUNREACH, EHOSTUNREACH, ETIMEDOUT].contains((error as? IOError)?.errnoCode)
  }

  private func prepare(_ request: OutboundRequest) throws(Failure) -> HTTPClientRequest {
    var prepared = HTTPClientRequest(url: request.url.text)
    prepared.method = HTTPMethod(rawValue: request.method)
    for (name, value) in request.headers { prepared.headers.add(name: name, value: value) }
    if !prepared.headers.contains(name: "user-agent") {
      prepared.headers.add(name: "User-Agent", value: policy.userAgent)
    }
    if request.acceptsGzip != nil { prepared.headers.replaceOrAdd(name: "Accept-Encoding", value: "gzip") }
    switch request.body {
    case .none: break
    case .bytes(let bytes): prepared.body = .bytes(ByteBuffer(bytes: bytes))
    case .file(let path, let offset, let length):
      prepared.body = .stream(
        RequestBodyPieces(file: path, offset: offset, length: length), length: .known(length))
    case .stream(let length, let next):
      prepared.body = .stream(RequestBodyPieces(next: next), length: length.map { .known($0) } ?? .unknown)
    }
    if request.url.scheme == "https" { prepared.tlsConfiguration = try transportSecurity(of: request) }
    return prepared
  }

  private func transportSecurity(of request: OutboundRequest) throws(Failure) -> TLSConfiguration {
    let url = request.url
    var trust = policy.trust(of: url)
    if request.takesAnyCertificate { trust.isUnchecked = true }
    trust.authorities += authoritiesOfEnvironment
    if let known = configurations.withLock({ $0[trust] }) { return known }
    var made = TLSConfiguration.makeClientConfiguration()
    if trust.isUnchecked { made.certificateVerification = .none }
    do {
      for path in trust.authorities {
        made.additionalTrustRoots.append(.certificates(try NIOSSLCertificate.fromPEMFile(path.string)))
      }
      if let identity = trust.identity {
        made.certificateChain = try NIOSSLCertificate.fromPEMFile(identity.certificate.string).map { .certificate($0) }
        made.privateKey = .privateKey(try NIOSSLPrivateKey(file: identity.key.string, format: .pem))
      }
    } catch {
      throw Failure(
        .failedPrecondition, reason: "outbound-certificate",
        "a certificate or key for '\(url.origin)' cannot be read",
        hint: "they must be PEM files: \(trust.files.map { "'\($0)'" }.joined(separator: ", "))",
        cause: String(describing: error))
    }
    let configuration = made
    configurations.withLock { $0[trust] = configuration }
    return configuration
  }
}
