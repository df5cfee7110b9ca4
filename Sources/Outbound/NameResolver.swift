import Diagnostics
import NIOCore
import NIOPosix
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The system's resolver, off the threads that everything else needs.
enum NameResolver {
  /// Threads of its own: getaddrinfo can hang for half a minute on a silent name server.
  private static let threads: NIOThreadPool = {
    let pool = NIOThreadPool(numberOfThreads: 4)
    pool.start()
    return pool
  }()

  /// The addresses of a host in the system's order of preference, never empty. Throws `outbound-dns`,
  /// `outbound-timeout` and `cancelled`.
  static func addresses(of host: String, port: Int, patience: Duration) async throws(Failure) -> [NetworkAddress] {
    if let literal = NetworkAddress(literal: host) { return [literal] }
    let box = OnceBox<Result<[NetworkAddress], Failure>>()
    threads.submit { state in
      guard case .active = state else {
        return box.put(.failure(Failure(.unavailable, reason: "outbound-dns", "the resolver is shut down")))
      }
      box.put(lookUp(host, port, flags: 0))
    }
    let timer = NIOSingletons.posixEventLoopGroup.next().scheduleTask(in: TimeAmount(patience)) {
      box.put(
        .failure(
          Failure(
            .unavailable, reason: "outbound-timeout", "host '\(host)' was not resolved within \(patience.words)",
            hint: "check the name servers of this machine (/etc/resolv.conf)")))
    }
    defer { timer.cancel() }
    let result = await withTaskCancellationHandler {
      await box.value()
    } onCancel: {
      box.put(.failure(Failure(.cancelled, reason: "cancelled", "looking up '\(host)' was cancelled")))
    }
    return try result.get()
  }

  /// The address that a host is without asking anyone, in all the forms that the system's resolver reads as numbers
  /// (`0x7f.1` and `2130706433` are 127.0.0.1).
  static func numeric(_ host: String) -> NetworkAddress? {
    if let literal = NetworkAddress(literal: host) { return literal }
    return try? lookUp(host, 80, flags: AI_NUMERICHOST).get().first
  }

  private static func lookUp(_ host: String, _ port: Int, flags: Int32) -> Result<[NetworkAddress], Failure> {
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    #if canImport(Glibc)
      hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    #else
      hints.ai_socktype = SOCK_STREAM
    #endif
    hints.ai_flags = flags
    var list: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host, String(port), &hints, &list)
    guard status == 0 else {
      return .failure(
        Failure(
          .unavailable, reason: "outbound-dns", "host '\(host)' has no address",
          hint: "check the name, and the name servers of this machine (/etc/resolv.conf)",
          cause: String(cString: gai_strerror(status))))
    }
    defer { freeaddrinfo(list) }
    var found: [NetworkAddress] = []
    var next = list
    while let entry = next {
      if let address = address(of: entry.pointee), !found.contains(address) { found.append(address) }
      next = entry.pointee.ai_next
    }
    guard !found.isEmpty else {
      return .failure(Failure(.unavailable, reason: "outbound-dns", "host '\(host)' has no IPv4 or IPv6 address"))
    }
    return .success(found)
  }

  private static func address(of entry: addrinfo) -> NetworkAddress? {
    guard let pointer = entry.ai_addr else { return nil }
    let raw = UnsafeRawPointer(pointer)
    switch entry.ai_family {
    case AF_INET:
      let four = raw.loadUnaligned(as: sockaddr_in.self).sin_addr
      return NetworkAddress(bytes: withUnsafeBytes(of: four) { Array($0) })
    case AF_INET6:
      let six = raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr
      return NetworkAddress(bytes: withUnsafeBytes(of: six) { Array($0) })
    default: return nil
    }
  }
}

/// A value that several may offer and one waits for; the first offer stands.
private final class OnceBox<Value: Sendable>: Sendable {
  private enum State {
    case empty
    case waiting(CheckedContinuation<Value, Never>)
    case full(Value)
    case taken
  }
  private let state = Mutex(State.empty)

  func put(_ value: Value) {
    let waiter = state.withLock { state -> CheckedContinuation<Value, Never>? in
      switch state {
      case .empty: state = .full(value)
      case .waiting(let continuation):
        state = .taken
        return continuation
      case .full, .taken: break
      }
      return nil
    }
    waiter?.resume(returning: value)
  }

  func value() async -> Value {
    await withCheckedContinuation { continuation in
      let ready = state.withLock { state -> Value? in
        if case .full(let value) = state {
          state = .taken
          return value
        }
        state = .waiting(continuation)
        return nil
      }
      if let ready { continuation.resume(returning: ready) }
    }
  }
}

extension Duration {
  /// For messages: `10 s`, `250 ms`.
  var words: String {
    let (seconds, attoseconds) = components
    if attoseconds == 0 { return "\(seconds) s" }
    return "\(seconds * 1000 + attoseconds / 1_000_000_000_000_000) ms"
  }
}
