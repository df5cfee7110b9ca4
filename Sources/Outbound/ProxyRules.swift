import Diagnostics

/// The proxies that the environment names: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in both cases.
///
/// Docker: as Go's programs read them; the lower-case name wins as with curl, and this machine's own addresses are never
/// asked of a proxy. `ProxyRulesTests`.
/// Here: an HTTP proxy opens the way (CONNECT) for plain http as well, as async-http-client speaks to it in no other form.
package struct ProxyRules: Sendable, Hashable {
  /// One proxy.
  struct Proxy: Sendable, Hashable {
    var host: String
    var port: Int
    var isSOCKS: Bool
    /// Still percent-encoded. It is secret.
    var userinfo: String?
  }

  private enum Exception: Sendable, Hashable {
    case everything
    case name(String, port: Int?)
    case network(NetworkAddress, length: Int)
  }

  private let http: String?
  private let https: String?
  private let exceptions: [Exception]

  package init(environment: [String: String]) {
    func value(_ name: String) -> String? {
      let found = environment[name] ?? environment[name.uppercased()]
      return found.flatMap { $0.isEmpty ? nil : $0 }
    }
    let all = value("all_proxy")
    http = value("http_proxy") ?? all
    https = value("https_proxy") ?? all
    exceptions = (value("no_proxy") ?? "").split { ", \t\n".contains($0) }.compactMap { Self.exception(String($0)) }
  }

  /// The proxy for an address, or nil for the straight way. Throws `outbound-proxy` when the variable cannot be read.
  func proxy(for url: OutboundURL) throws(Failure) -> Proxy? {
    guard let text = url.scheme == "https" ? https : http, !isExcepted(url) else { return nil }
    return try Self.parsed(text)
  }

  private func isExcepted(_ url: OutboundURL) -> Bool {
    let address = NameResolver.numeric(url.host)
    if url.host == "localhost" || url.host.hasSuffix(".localhost") || address?.kind == .loopback { return true }
    return exceptions.contains { exception in
      switch exception {
      case .everything: return true
      case .network(let network, let length): return address?.isInside(network, length: length) ?? false
      case .name(let name, let port):
        guard port == nil || port == url.port else { return false }
        return url.host == name || url.host.hasSuffix("." + name)
      }
    }
  }

  private static func exception(_ text: String) -> Exception? {
    if text == "*" { return .everything }
    if let slash = text.firstIndex(of: "/") {
      guard let network = NetworkAddress(literal: String(text[..<slash])),
        let length = Int(text[text.index(after: slash)...])
      else { return nil }
      return .network(network, length: length)
    }
    let bare = text.hasPrefix("[") ? String(text.dropFirst().prefix { $0 != "]" }) : text
    if let address = NetworkAddress(literal: bare) { return .network(address, length: address.bytes.count * 8) }
    var name = Substring(text.lowercased())
    var port: Int?
    if let colon = name.lastIndex(of: ":") {
      port = Int(name[name.index(after: colon)...])
      name = name[..<colon]
    }
    if name.hasPrefix("*.") { name = name.dropFirst(2) }
    if name.hasPrefix(".") { name = name.dropFirst() }
    return name.isEmpty ? nil : .name(String(name), port: port)
  }

  private static func parsed(_ text: String) throws(Failure) -> Proxy {
    var rest = text
    var isSOCKS = false
    if let end = text.firstRange(of: "://") {
      let scheme = text[..<end.lowerBound].lowercased()
      rest = String(text[end.upperBound...])
      switch scheme {
      case "http": break
      case "socks5", "socks5h": isSOCKS = true
      default:
        throw Failure(
          .failedPrecondition, reason: "outbound-proxy", "the proxy of the environment is spoken to by '\(scheme)'",
          hint: "name it as 'http://host:port' or 'socks5://host:port'")
      }
    }
    let url: OutboundURL
    do {
      url = try OutboundURL(parsing: "http://" + rest)
    } catch {
      throw Failure(
        .failedPrecondition, reason: "outbound-proxy", "the proxy of the environment cannot be read",
        hint: "name it as 'http://host:port' or 'socks5://host:port'", cause: error.message)
    }
    if isSOCKS, url.userinfo != nil {
      throw Failure(
        .failedPrecondition, reason: "outbound-proxy", "a SOCKS proxy with a password is not spoken to",
        hint: "use an HTTP proxy, or a SOCKS proxy without a password")
    }
    let port = isSOCKS && url.port == 80 ? 1080 : url.port
    return Proxy(host: url.host, port: port, isSOCKS: isSOCKS, userinfo: url.userinfo)
  }
}
