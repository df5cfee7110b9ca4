import Diagnostics
import OCI
import Outbound

/// One place that may have a registry's content: the registry itself or a mirror of it.
struct RegistryEndpoint: Sendable, Hashable {
  /// `host[:port]` to connect to.
  var authority: String
  /// Path components in front of the repository's name, with a `/` at the end; empty for most.
  var prefix: String
  /// Known where a mirror was named with a scheme.
  var scheme: String?
  /// Whether it may be spoken to without TLS or with any certificate.
  var isInsecure: Bool
  /// The name that credentials are kept under.
  var credentialHost: String
  /// Whether it is this machine, where plain HTTP is the likelier.
  var isLocal: Bool { Self.isLocal(authority) }

  /// The places for a registry in the order they are asked.
  static func all(for host: String, settings: RemoteSettings) -> [RegistryEndpoint] {
    let mirrors = (settings.mirrors[host] ?? []).map { mirror(of: $0, settings: settings) }
    let own = RegistryEndpoint(
      authority: host == "docker.io" ? "registry-1.docker.io" : host, prefix: "", scheme: nil,
      isInsecure: isInsecure(host, settings), credentialHost: host)
    return mirrors.isEmpty || settings.fallsBackToRegistry ? mirrors + [own] : mirrors
  }

  private static func mirror(of text: String, settings: RemoteSettings) -> RegistryEndpoint {
    let scheme = text.firstRange(of: "://").map { text[..<$0.lowerBound].lowercased() }
    let rest = text.firstRange(of: "://").map { text[$0.upperBound...] } ?? text[...]
    let authority = String(rest.prefix { $0 != "/" }).lowercased()
    let path = rest.dropFirst(authority.count).split(separator: "/").joined(separator: "/")
    let host = RemoteName.canonical(host: authority)
    return RegistryEndpoint(
      authority: host == "docker.io" ? "registry-1.docker.io" : authority, prefix: path.isEmpty ? "" : path + "/",
      scheme: scheme, isInsecure: isInsecure(authority, settings), credentialHost: host)
  }

  private static func isInsecure(_ authority: String, _ settings: RemoteSettings) -> Bool {
    let host = hostName(authority)
    return isLocal(authority) || ["*", authority, host].contains { settings.insecureHosts.contains($0) }
  }

  private static func isLocal(_ authority: String) -> Bool {
    let host = hostName(authority)
    return host == "localhost" || host.hasSuffix(".localhost") || NetworkAddress(literal: host)?.kind == .loopback
  }

  private static func hostName(_ authority: String) -> String {
    if authority.hasPrefix("[") { return String(authority.dropFirst().prefix { $0 != "]" }) }
    return String(authority.prefix { $0 != ":" })
  }

  /// The repository's name at this place.
  func path(of repository: Repository) -> String { prefix + repository.name }
}
