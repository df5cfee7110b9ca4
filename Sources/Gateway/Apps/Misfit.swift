import Diagnostics
import NIOHTTP1
import Runner

/// A request that cannot be a call of an app.
struct Misfit: Error {
  let failure: Failure
  let status: Int

  init(_ status: Int, _ reason: String, _ message: String, hint: String? = nil) {
    failure = Failure(.invalidArgument, reason: reason, message, hint: hint)
    self.status = status
  }

  /// What NIO's parser found wrong.
  init(_ error: HTTPParserError) {
    if error == .headerOverflow {
      self.init(
        431, "request-head-too-large", "the request's headers are larger than \(CallLimits.head >> 10) KiB",
        hint: "send what is large in the body")
    } else {
      self.init(400, "request-invalid", "the request is not valid HTTP/1.1: \(error)")
    }
  }

  /// The label a request's host has before the domain; an absolute target is cut to its path, since that is how servers
  /// are asked that are no proxies (RFC 9112 §3.2).
  static func check(_ exchange: inout AppConnection.Exchange, domain: AppDomain) throws(Misfit) -> String {
    let head = exchange.head
    let hosts = head.headers["host"]
    guard let host = hosts.first, hosts.count == 1 else {
      throw Misfit(400, "host-missing", "the request has \(hosts.count) Host headers", hint: "send one")
    }
    guard let label = domain.label(of: host) else {
      throw Misfit(
        421, "host-misdirected", "this connection is for apps, and host '\(host.prefix(255))' is none",
        hint: "call it on a connection of its own")
    }
    guard hasPort(host) else {
      throw Misfit(
        400, "host-invalid", "the port of host '\(host.prefix(255))' is no number up to 65535",
        hint: "name the host alone")
    }
    // Whoever passed it on may have read another body in it (RFC 9112 §6.1).
    if exchange.isOld, exchange.framing != .none, exchange.framing != .length {
      throw Misfit(
        400, "request-invalid", "the request has a transfer coding, which HTTP/1.0 does not know",
        hint: "send it as HTTP/1.1, or with its length")
    }
    guard head.method != .CONNECT else {
      throw Misfit(405, "method-refused", "CONNECT is for proxies, and apps have none")
    }
    if case .unknown(let coding) = exchange.framing {
      throw Misfit(
        501, "transfer-coding-unknown", "transfer coding '\(coding.prefix(100))' is not understood",
        hint: "send the body as it is, or chunked")
    }
    if head.uri.utf8.first == 0x2f || (head.uri == "*" && head.method == .OPTIONS) { return label }
    let prefix = "http://\(host)"
    guard head.uri.count >= prefix.count, head.uri.prefix(prefix.count).lowercased() == prefix.lowercased() else {
      throw Misfit(400, "target-invalid", "the request's target '\(head.uri.prefix(100))' is not a path of its host")
    }
    let path = head.uri.dropFirst(prefix.count)
    guard path.isEmpty || path.first == "/" || path.first == "?" else {
      throw Misfit(400, "target-invalid", "the request's target '\(head.uri.prefix(100))' is not a path of its host")
    }
    exchange.head.uri = path.first == "/" ? String(path) : "/\(path)"
    return label
  }

  /// Whether what stands behind the name is a port, or nothing.
  private static func hasPort(_ host: String) -> Bool {
    guard let colon = host.utf8.firstIndex(of: 0x3a) else { return true }
    let port = host.utf8[colon...].dropFirst()
    guard port.count <= 5, port.allSatisfy({ (0x30...0x39).contains($0) }) else { return false }
    return port.reduce(0) { $0 * 10 + Int($1 - 0x30) } <= 65535
  }
}

extension AppConnection.Exchange {
  /// Whether a browser asks if it may call (Fetch standard, "CORS-preflight request").
  var isPreflight: Bool {
    head.method == .OPTIONS && head.headers.contains(name: "origin")
      && head.headers.contains(name: "access-control-request-method")
  }
}
