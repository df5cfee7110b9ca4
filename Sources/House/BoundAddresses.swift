import RPC
import Synchronization

/// The addresses the door really has, known once it listens (port 0 asks for any).
final class BoundAddresses: Sendable {
  private struct State {
    var main: Door.Address
    var grpc: Door.Address
    var isListening = false
  }

  private let state: Mutex<State>

  init(main: Door.Address, grpc: Door.Address) { state = Mutex(State(main: main, grpc: grpc)) }

  /// Both listen now, with the ports they got.
  func set(main: Door.Address, grpc: Door.Address) {
    state.withLock { $0 = State(main: main, grpc: grpc, isListening: true) }
  }

  var current: (main: Door.Address, grpc: Door.Address) { state.withLock { ($0.main, $0.grpc) } }

  var isListening: Bool { state.withLock { $0.isListening } }

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
