import Diagnostics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The system's resolver, off the threads that everything else needs.
enum NameResolver {
  private static let lookups = NameLookups { host, port in lookUp(host, port, flags: 0) }

  /// The addresses of a host in the system's order of preference, never empty. Throws `outbound-dns`,
  /// `outbound-timeout` and `cancelled`.
  static func addresses(of host: String, port: Int, patience: Duration) async throws(Failure) -> [NetworkAddress] {
    if let literal = NetworkAddress(literal: host) { return [literal] }
    return try await lookups.addresses(of: host, port: port, patience: patience)
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

extension Duration {
  /// For messages: `10 s`, `250 ms`.
  var words: String {
    let (seconds, attoseconds) = components
    if attoseconds == 0 { return "\(seconds) s" }
    return "\(seconds * 1000 + attoseconds / 1_000_000_000_000_000) ms"
  }
}
