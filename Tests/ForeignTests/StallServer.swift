import Foundation

/// A server on loopback that takes connections and answers nothing, so that a test can end things in the middle.
final class StallServer: Sendable {
  /// Somebody who asked and waits.
  struct Connection: Sendable {
    fileprivate let descriptor: Int32

    /// Returns when the other side has gone away.
    func gone() async {
      await onThread { [descriptor] in
        var bytes = [UInt8](repeating: 0, count: 4096)
        while read(descriptor, &bytes, bytes.count) > 0 {}
        close(descriptor)
      }
    }
  }

  struct Failed: Error {}

  let port: UInt16
  private let descriptor: Int32

  init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let isListening = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && listen(descriptor, 16) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    guard isListening else { throw Failed() }
    port = UInt16(bigEndian: address.sin_port)
  }

  deinit { close(descriptor) }

  func url(_ path: String) -> String { "http://127.0.0.1:\(port)/\(path)" }

  /// Waits for somebody to connect and to have said something.
  func asked() async throws -> Connection {
    let accepted: Int32 = await onThread { [descriptor] in
      let connection = accept(descriptor, nil, nil)
      var byte: UInt8 = 0
      return read(connection, &byte, 1) == 1 ? connection : -1
    }
    guard accepted >= 0 else { throw Failed() }
    return Connection(descriptor: accepted)
  }
}

/// Runs what blocks on a thread that may.
private func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
  await withCheckedContinuation { continuation in
    DispatchQueue.global().async { continuation.resume(returning: body()) }
  }
}
