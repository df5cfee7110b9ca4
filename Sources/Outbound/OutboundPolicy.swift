import Diagnostics
import SystemPackage

/// Which servers a request may reach, whom it trusts and how long it waits.
package struct OutboundPolicy: Sendable, Hashable {
  /// How far from this machine a request may go.
  package enum Reach: Sendable, Hashable {
    /// Anywhere but where `AddressClass.isAlwaysRefused` says.
    case everywhere
    /// This machine alone: `--network none` still speaks with its own registry.
    case loopback
  }

  /// What is trusted of one server.
  package struct Trust: Sendable, Hashable {
    /// PEM files of authorities trusted beside the system's.
    package var authorities: [FilePath]
    /// PEM files of the certificate (with its chain) and the key shown to a server that asks for them.
    package var identity: Identity?
    /// Whether any certificate is taken. The traffic is then encrypted, for whoever answered.
    package var isUnchecked: Bool

    package init(authorities: [FilePath] = [], identity: Identity? = nil, isUnchecked: Bool = false) {
      self.authorities = authorities
      self.identity = identity
      self.isUnchecked = isUnchecked
    }

    /// Every file named, for messages.
    var files: [FilePath] { authorities + (identity.map { [$0.certificate, $0.key] } ?? []) }
  }

  /// A client certificate and its key, as PEM files.
  package struct Identity: Sendable, Hashable {
    package var certificate: FilePath
    package var key: FilePath
    package init(certificate: FilePath, key: FilePath) {
      self.certificate = certificate
      self.key = key
    }
  }

  /// How long one address may take to answer a connection.
  package var connectTimeout = Duration.seconds(10)
  /// How long a request may pass without a byte either way.
  package var idleTimeout = Duration.seconds(30)
  /// Where requests may go.
  package var reach = Reach.everywhere
  /// PEM files of authorities trusted for every server beside the system's.
  package var authorities: [FilePath] = []
  /// What is trusted of single servers, by `host` or `host:port` in lower case; the longer name wins.
  package var trust: [String: Trust] = [:]
  /// The User-Agent of requests that bring none, such as `kindling/1.2`.
  package var userAgent = "kindling"
  /// How many connections one server is given at once.
  package var connectionsPerHost = 8

  package init() {}

  /// What is trusted of the server of `url`, the authorities for every server included.
  func trust(of url: OutboundURL) -> Trust {
    var found = trust["\(url.host):\(url.port)"] ?? trust[url.host] ?? Trust()
    found.authorities += authorities
    return found
  }
}
