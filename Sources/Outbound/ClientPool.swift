import AsyncHTTPClient
import Diagnostics
import NIOCore
import NIOPosix
import Synchronization

/// The HTTP clients in use: one for each way a connection is made, kept while it may be useful again.
///
/// async-http-client settles the proxy, the pinned address and the patience per client, not per request.
final class ClientPool: Sendable {
  /// The way a connection is made.
  struct Way: Sendable, Hashable {
    /// The host and the checked address that stands for it; nil where a proxy resolves it or the host is an address.
    var pinned: Pin?
    var proxy: ProxyRules.Proxy?
    var patience: Patience

    init(pinned: Pin?, proxy: ProxyRules.Proxy?, patience: Patience) {
      self.pinned = pinned
      self.proxy = proxy
      self.patience = patience
    }

    /// Straight to one of a host's addresses.
    init(to address: NetworkAddress, for host: String, patience: Patience) {
      let isLiteral = address.text == host
      self.init(pinned: isLiteral ? nil : Pin(host: host, address: address.text), proxy: nil, patience: patience)
    }
  }

  /// How long a connection may take to stand, and how long it may be silent.
  struct Patience: Sendable, Hashable {
    var connect: Duration
    var idle: Duration
  }

  struct Pin: Sendable, Hashable {
    var host: String
    var address: String
  }

  /// A client that is not shut down while this is held.
  final class Lease: Sendable {
    let client: HTTPClient
    private let pool: ClientPool
    private let way: Way

    fileprivate init(client: HTTPClient, pool: ClientPool, way: Way) {
      self.client = client
      self.pool = pool
      self.way = way
    }

    deinit { pool.giveBack(way) }
  }

  private struct Entry {
    var client: HTTPClient
    var uses: Int
    var lastUse: Int
  }

  private struct State {
    var entries: [Way: Entry] = [:]
    var uses = 0
    var isClosed = false
  }

  private static let kept = 24
  private let policy: OutboundPolicy
  private let state = Mutex(State())

  init(policy: OutboundPolicy) { self.policy = policy }

  /// Throws `outbound-closed` after `shutdown`.
  func lease(_ way: Way) throws(Failure) -> Lease {
    let (client, surplus) = state.withLock { state -> (HTTPClient?, [HTTPClient]) in
      guard !state.isClosed else { return (nil, []) }
      state.uses += 1
      var entry = state.entries[way] ?? Entry(client: make(way), uses: 0, lastUse: 0)
      entry.uses += 1
      entry.lastUse = state.uses
      state.entries[way] = entry
      return (entry.client, Self.trim(&state))
    }
    Self.close(surplus)
    guard let client else {
      throw Failure(.unavailable, reason: "outbound-closed", "the client for other servers is shut down")
    }
    return Lease(client: client, pool: self, way: way)
  }

  /// The ways that have a client in front of the others, otherwise in their order.
  func knownFirst(_ ways: [Way]) -> [Way] {
    state.withLock { state in
      ways.filter { state.entries[$0] != nil } + ways.filter { state.entries[$0] == nil }
    }
  }

  /// Ends every connection; requests under way fail.
  func shutdown() async {
    let clients = state.withLock { state in
      state.isClosed = true
      defer { state.entries = [:] }
      return state.entries.values.map(\.client)
    }
    for client in clients { try? await client.shutdown() }
  }

  // A client that goes away unclosed ends the process in a debug build.
  deinit { Self.close(state.withLock { $0.entries.values.map(\.client) }) }

  private func giveBack(_ way: Way) {
    state.withLock { $0.entries[way]?.uses -= 1 }
  }

  private static func trim(_ state: inout State) -> [HTTPClient] {
    guard state.entries.count > kept else { return [] }
    let idle = state.entries.filter { $0.value.uses == 0 }.sorted { $0.value.lastUse < $1.value.lastUse }
    let surplus = idle.prefix(state.entries.count - kept)
    for (way, _) in surplus { state.entries[way] = nil }
    return surplus.map(\.value.client)
  }

  private static func close(_ clients: [HTTPClient]) {
    guard !clients.isEmpty else { return }
    Task.detached { for client in clients { try? await client.shutdown() } }
  }

  private func make(_ way: Way) -> HTTPClient {
    var configuration = HTTPClient.Configuration(
      redirectConfiguration: .disallow,
      timeout: .init(
        connect: TimeAmount(way.patience.connect), read: TimeAmount(way.patience.idle),
        write: TimeAmount(way.patience.idle)))
    configuration.httpVersion = .http1Only
    configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = policy.connectionsPerHost
    // Shorter than any server's: a request on a connection that the server is closing fails.
    configuration.connectionPool.idleTimeout = .seconds(4)
    configuration.connectionPool.retryConnectionEstablishment = false
    if let pin = way.pinned { configuration.dnsOverride = [pin.host: pin.address] }
    configuration.proxy = way.proxy.map(Self.proxy)
    return HTTPClient(eventLoopGroupProvider: .shared(NIOSingletons.posixEventLoopGroup), configuration: configuration)
  }

  private static func proxy(_ proxy: ProxyRules.Proxy) -> HTTPClient.Configuration.Proxy {
    if proxy.isSOCKS { return .socksServer(host: proxy.host, port: proxy.port) }
    let authorization = proxy.userinfo.map { userinfo -> HTTPClient.Authorization in
      let parts = userinfo.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      return .basic(username: parts[0].percentDecoded, password: parts.count > 1 ? parts[1].percentDecoded : "")
    }
    return .server(host: proxy.host, port: proxy.port, authorization: authorization)
  }
}

extension StringProtocol {
  /// With `%XX` read; a `%` that begins no such pair stays.
  package var percentDecoded: String {
    let bytes = Array(utf8)
    var result: [UInt8] = []
    var index = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
        let byte = UInt8(String(decoding: bytes[(index + 1)...(index + 2)], as: UTF8.self), radix: 16)
      {
        result.append(byte)
        index += 3
      } else {
        result.append(bytes[index])
        index += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }
}
