import Diagnostics

/// A server's host and port.
struct Endpoint: Sendable, Hashable, CustomStringConvertible {
  static let defaultPort = 4480

  var host: String
  var port: Int

  init(host: String, port: Int) {
    self.host = host
    self.port = port
  }

  /// Reads `host:port`, `[v6]:port`, `host`, and the same as an `http://` address. Throws `endpoint-invalid`.
  init(_ text: String) throws(Failure) {
    var rest = text[...]
    if rest.lowercased().hasPrefix("https://") {
      throw Failure(
        .unimplemented,
        reason: "tls-unsupported",
        "endpoint '\(text)' asks for TLS, which is not spoken yet",
        hint: "name a plaintext endpoint such as 127.0.0.1:4480"
      )
    }
    if rest.lowercased().hasPrefix("http://") { rest = rest.dropFirst(7) }
    if rest.hasSuffix("/") { rest = rest.dropLast() }
    let invalid = Failure(
      .invalidArgument,
      reason: "endpoint-invalid",
      "endpoint '\(text)' is not host:port",
      hint: "write it like 127.0.0.1:4480"
    )
    var portText: Substring?
    if rest.hasPrefix("[") {
      guard let end = rest.firstIndex(of: "]") else { throw invalid }
      let after = rest[rest.index(after: end)...]
      guard after.isEmpty || after.hasPrefix(":") else { throw invalid }
      if !after.isEmpty { portText = after.dropFirst() }
      rest = rest[rest.index(after: rest.startIndex)..<end]
    } else if let colon = rest.firstIndex(of: ":") {
      portText = rest[rest.index(after: colon)...]
      rest = rest[..<colon]
    }
    let port = portText.map { Int($0) } ?? Self.defaultPort
    guard let port, (1...65_535).contains(port), !rest.isEmpty, !rest.contains(where: { "/ @?#".contains($0) }) else {
      throw invalid
    }
    self.init(host: String(rest), port: port)
  }

  var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
  /// Whether what is sent there stays on this machine.
  var isThisMachine: Bool { ["localhost", "127.0.0.1", "::1"].contains(host) }
  var url: String { "http://\(self)" }
}
