import RPC
import Synchronization

/// The addresses the door really has, known once it listens (port 0 asks for any).
final class BoundAddresses: Sendable {
  private let addresses: Mutex<(main: Door.Address, grpc: Door.Address)>

  init(main: Door.Address, grpc: Door.Address) { addresses = Mutex((main, grpc)) }

  func set(main: Door.Address, grpc: Door.Address) { addresses.withLock { $0 = (main, grpc) } }

  var current: (main: Door.Address, grpc: Door.Address) { addresses.withLock { $0 } }

  /// What image references begin with.
  var registryHost: String { current.main.urlHost }

  /// Every `host:port` under which this server is its own registry; the platform's own host name too, so that
  /// scripts written for it run with only the endpoint changed (contract §3.5).
  var names: Set<String> {
    let (main, grpc) = current
    var names: Set<String> = ["admin-registry.dev.dodil.io"]
    for port in [main.port, grpc.port] {
      names.formUnion(["localhost:\(port)", "127.0.0.1:\(port)", "[::1]:\(port)"])
    }
    return names.union([main.description, grpc.description])
  }
}
