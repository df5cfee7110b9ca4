import Diagnostics
import HTTPTypes
import Runner

/// Which `Host` a request may name (DNS rebinding: a page of another origin reaches this machine under its own name,
/// and the browser believes it to be the same origin).
struct HostRule: Sendable {
  private let names: Set<String>
  private let allowsAll: Bool
  private let apps: AppDomain?

  /// `extra` names hosts besides this machine's own; `*` among them allows every host but those of `apps`.
  init(extra: [String], apps: AppDomain? = nil) {
    self.apps = apps
    names = Set(extra.map { Self.name(of: $0) })
    allowsAll = extra.contains("*")
  }

  /// Throws `host-refused` unless the header names this server. No header at all is HTTP/1.0, which no browser speaks.
  func check(_ authority: String?) throws(Failure) {
    if let authority, apps?.label(of: authority) != nil { throw Self.ofAnApp(authority) }
    guard !allowsAll, let authority, !authority.isEmpty else { return }
    let host = Self.name(of: authority)
    guard !isOwn(host) else { return }
    throw Failure(
      .permissionDenied,
      reason: "host-refused",
      "host '\(authority.prefix(255))' is not a name of this server",
      hint: "call it as localhost, or start it with: kindling start --allow-host \(host.prefix(255))"
    )
  }

  /// Throws `host-ambiguous` when a request names two (RFC 9112 §3.2): whoever stands before this server may believe the
  /// other one.
  static func checkOnlyOne(_ request: HTTPRequest) throws(Failure) {
    guard request.headerFields.contains(.secondHost) else { return }
    throw Failure(
      .invalidArgument, reason: "host-ambiguous", "the request has more than one Host header", hint: "send one")
  }

  // Pages that an app serves are of its own origin, and must not find the gateway there.
  private static func ofAnApp(_ authority: String) -> Failure {
    Failure(
      .permissionDenied, reason: "host-misdirected",
      "this connection is for the server itself, and host '\(authority.prefix(255))' is an app's",
      hint: "call it on a connection of its own")
  }

  /// An address cannot be rebound, only a name can, so every address passes.
  private func isOwn(_ host: String) -> Bool {
    host == "localhost" || host.hasSuffix(".localhost") || host.hasPrefix("[") || LoopbackAddress.isIPv4(host)
      || names.contains(host)
  }

  /// Whether the header names this machine by a loopback name or address.
  static func isLoopback(_ authority: String?) -> Bool {
    guard let authority else { return false }
    let host = name(of: authority)
    return host == "localhost" || host.hasSuffix(".localhost") || host == "[::1]" || LoopbackAddress.contains(host)
  }

  /// The header's host without port and final point, in lower case; an IPv6 address keeps its brackets.
  static func name(of authority: String) -> String {
    var rest = authority[...]
    if rest.hasPrefix("[") {
      if let end = rest.firstIndex(of: "]") { rest = rest[...end] }
    } else if let colon = rest.firstIndex(of: ":") {
      rest = rest[..<colon]
    }
    if rest.hasSuffix(".") { rest = rest.dropLast() }
    return rest.lowercased()
  }
}
