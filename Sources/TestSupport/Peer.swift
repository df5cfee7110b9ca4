import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// One end of a TCP connection, without any protocol. Its calls block, so they belong on a thread: see `onThread`.
package final class Peer: @unchecked Sendable {
  private let socket: CInt
  private let lock = NSLock()
  private var isClosed = false
  /// What was read beyond what was asked for.
  private var rest: [UInt8] = []
  /// Which of its listener's connections it is, from 0.
  package let number: Int

  package struct Broken: Error, CustomStringConvertible {
    package let description: String
  }

  init(socket: CInt, number: Int = 0) {
    self.socket = socket
    self.number = number
    var yes: CInt = 1
    setsockopt(socket, CInt(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<CInt>.size))
    // A test that waits for what never comes fails by it, and not by its time limit.
    var patience = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
  }

  /// Connects to a port of this machine.
  package convenience init(port: Int, receiveBuffer: Int? = nil) throws {
    let socket = Glibc.socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    if var size = receiveBuffer.map({ CInt($0) }) {
      setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<CInt>.size))
    }
    var address = Peer.loopback(port)
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0 else {
      Glibc.close(socket)
      throw Broken(description: "connect: \(String(cString: strerror(errno)))")
    }
    self.init(socket: socket)
  }

  deinit { close() }

  static func loopback(_ port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
  }

  package func write(_ text: String) throws { try write(Array(text.utf8)) }

  package func write(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes { send(socket, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
      guard count > 0 else { throw Broken(description: "send: \(String(cString: strerror(errno)))") }
      sent += count
    }
  }

  /// More bytes; empty at the end. Throws for a reset.
  package func readSome(_ limit: Int = 64 << 10) throws -> [UInt8] {
    if !rest.isEmpty {
      let some = Array(rest.prefix(limit))
      rest.removeFirst(some.count)
      return some
    }
    var buffer = [UInt8](repeating: 0, count: limit)
    let count = recv(socket, &buffer, limit, 0)
    guard count >= 0 else { throw Broken(description: "recv: \(String(cString: strerror(errno)))") }
    return Array(buffer.prefix(count))
  }

  /// Waits so long for a byte; whether there was one, or the end.
  package func readSomeOrWait(_ milliseconds: CInt) throws -> Bool {
    var wish = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    return poll(&wish, 1, milliseconds) > 0
  }

  /// Everything up to and with `end`; throws when the peer ends before.
  package func read(until end: String) throws -> String {
    var bytes: [UInt8] = []
    while true {
      let some = try readSome()
      guard !some.isEmpty else { throw Broken(description: "ended after: \(String(decoding: bytes, as: UTF8.self))") }
      bytes += some
      if let found = bytes.firstRange(of: Array(end.utf8)) {
        rest = Array(bytes[found.upperBound...]) + rest
        return String(decoding: bytes[..<found.upperBound], as: UTF8.self)
      }
    }
  }

  package func read(_ count: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      let some = try readSome(min(count - bytes.count, 64 << 10))
      guard !some.isEmpty else { throw Broken(description: "ended after \(bytes.count) of \(count) bytes") }
      bytes += some
    }
    return bytes
  }

  /// Everything up to the end; throws when that is a reset.
  package func readToEnd() throws -> String {
    var bytes: [UInt8] = []
    while case let some = try readSome(), !some.isEmpty { bytes += some }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// One HTTP message: its head with the empty line, and the body its head announces, chunks taken apart.
  package func message(hasBody: Bool = true) throws -> (head: String, body: String) {
    let head = try read(until: "\r\n\r\n")
    guard hasBody else { return (head, "") }
    let lower = head.lowercased()
    if lower.contains("transfer-encoding: chunked") {
      var body = ""
      while true {
        let size = Int(try read(until: "\r\n").prefix { $0.isHexDigit }, radix: 16) ?? 0
        if size == 0 {
          // Trailers, up to the empty line.
          while case let line = try read(until: "\r\n"), line != "\r\n" { body += line }
          return (head, body)
        }
        body += String(decoding: try read(size), as: UTF8.self)
        _ = try read(2)
      }
    }
    guard let start = lower.firstRange(of: "content-length: ")?.upperBound,
      let length = Int(lower[start...].prefix { $0.isNumber })
    else { return (head, "") }
    return (head, String(decoding: try read(length), as: UTF8.self))
  }

  /// Ends what is sent; the other direction goes on.
  package func endSending() { shutdown(socket, CInt(SHUT_WR)) }

  package func close() {
    lock.withLock {
      guard !isClosed else { return }
      isClosed = true
      Glibc.close(socket)
    }
  }
}

/// A server that does with every connection what it is told to, on a thread of its own.
package final class ScriptedServer: @unchecked Sendable {
  private let listener: CInt
  package let port: Int
  private let lock = NSLock()
  private var count = 0

  /// How many connections there have been.
  package var connections: Int { lock.withLock { count } }

  package init(_ script: @escaping @Sendable (Peer) throws -> Void) throws {
    let listener = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
    self.listener = listener
    var address = Peer.loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) | listen(listener, 128) | getsockname(listener, $0, &length)
      }
    }
    guard status == 0 else { throw Peer.Broken(description: "listen: \(String(cString: strerror(errno)))") }
    port = Int(UInt16(bigEndian: address.sin_port))
    Thread.detachNewThread { [weak self] in
      while case let socket = accept(listener, nil, nil), socket >= 0 {
        guard let self else { break }
        let number = self.lock.withLock {
          defer { self.count += 1 }
          return self.count
        }
        let peer = Peer(socket: socket, number: number)
        Thread.detachNewThread {
          try? script(peer)
          peer.close()
        }
      }
      Glibc.close(listener)
    }
  }

  /// Takes no more connections: who connects is refused.
  package func stop() { shutdown(listener, CInt(SHUT_RDWR)) }

  deinit { stop() }
}

/// Runs what blocks on a thread of its own, so that no thread of the pool waits for it.
package func onThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    Thread.detachNewThread { continuation.resume(with: Result { try work() }) }
  }
}
