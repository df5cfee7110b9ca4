import Diagnostics
import NIOCore
import Storage
import SystemPackage

/// Where this machine asks for names (resolv.conf(5)).
struct HostResolver: Sendable {
  /// At most three, as C libraries have it; loopback's without any.
  private(set) var servers: [SocketAddress] = []
  /// The lines that say how names are completed and asked for.
  private(set) var rest: [String] = []

  static func ofThisMachine() -> HostResolver {
    let bytes = (try? FilePath("/etc/resolv.conf").readContents(limit: .kibibytes(64))) ?? []
    return HostResolver(String(decoding: bytes, as: UTF8.self))
  }

  init(servers: [SocketAddress]) { self.servers = servers }

  init(_ text: String) {
    for line in text.split(whereSeparator: \.isNewline) {
      let words = line.split(whereSeparator: \.isWhitespace)
      switch words.first {
      case "nameserver" where words.count > 1:
        if let server = try? SocketAddress(ipAddress: String(words[1]), port: 53) { servers.append(server) }
      case "search", "domain", "options": rest.append(words.joined(separator: " "))
      default: break
      }
    }
    servers = Array(servers.prefix(3))
    if servers.isEmpty, let own = try? SocketAddress(ipAddress: "127.0.0.1", port: 53) { servers = [own] }
  }

  /// The file a replica has: it asks us.
  var replicaText: String { (["nameserver 127.0.0.1"] + rest).joined(separator: "\n") + "\n" }
}
