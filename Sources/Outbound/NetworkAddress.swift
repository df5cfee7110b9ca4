#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// An IPv4 or IPv6 address.
package struct NetworkAddress: Sendable, Hashable {
  /// Four or sixteen bytes, the most significant first.
  package let bytes: [UInt8]

  package init?(bytes: [UInt8]) {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    self.bytes = bytes
  }

  /// Reads the strict forms: four decimal numbers, or RFC 4291 without a zone.
  package init?(literal text: String) {
    var four = in_addr()
    var six = in6_addr()
    if inet_pton(AF_INET, text, &four) == 1 {
      bytes = withUnsafeBytes(of: &four) { Array($0) }
    } else if inet_pton(AF_INET6, text, &six) == 1 {
      bytes = withUnsafeBytes(of: &six) { Array($0) }
    } else {
      return nil
    }
  }

  /// As a resolver or a URL has it, without brackets.
  package var text: String {
    var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let family = bytes.count == 4 ? AF_INET : AF_INET6
    _ = bytes.withUnsafeBytes { inet_ntop(family, $0.baseAddress, &buffer, socklen_t(INET6_ADDRSTRLEN)) }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The IPv4 address inside: of `::ffff:a.b.c.d`, NAT64's `64:ff9b::/96` and 6to4's `2002::/16`.
  var embedded: NetworkAddress? {
    guard bytes.count == 16 else { return nil }
    let mapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xff && bytes[11] == 0xff
    let translated = bytes[..<12] == [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0]
    if mapped || translated { return NetworkAddress(bytes: Array(bytes[12...])) }
    if bytes[0] == 0x20, bytes[1] == 0x02 { return NetworkAddress(bytes: Array(bytes[2..<6])) }
    return nil
  }

  /// Whether the first `length` bits are those of `network`.
  package func isInside(_ network: NetworkAddress, length: Int) -> Bool {
    guard bytes.count == network.bytes.count, (0...bytes.count * 8).contains(length) else { return false }
    let whole = length / 8
    guard bytes[..<whole] == network.bytes[..<whole] else { return false }
    let rest = length % 8
    return rest == 0 || (bytes[whole] ^ network.bytes[whole]) >> (8 - UInt8(rest)) == 0
  }

  /// What kind of place the address is.
  package var kind: AddressClass {
    if let embedded { return embedded.kind }
    return bytes.count == 4 ? kindOfFour : kindOfSix
  }

  private var kindOfFour: AddressClass {
    switch (bytes[0], bytes[1], bytes[2], bytes[3]) {
    case (100, 100, 100, 200), (192, 0, 0, 192): .metadata
    case (169, 254, 169, 254), (169, 254, 170, 2), (168, 63, 129, 16): .metadata
    case (0, _, _, _): .unspecified
    case (127, _, _, _): .loopback
    case (10, _, _, _), (172, 16...31, _, _), (192, 168, _, _), (100, 64...127, _, _), (198, 18...19, _, _): .private
    case (169, 254, _, _): .linkLocal
    case (224...239, _, _, _): .multicast
    case (240...255, _, _, _), (192, 0, 0, _): .reserved
    default: .public
    }
  }

  /// What no public server has (IANA's special-purpose registry). Behind 64:ff9b:1::/48 (RFC 8215) and Teredo's
  /// 2001::/32 lies an IPv4 address at a place that only their operators know, which may be anybody's.
  private static let unroutedSix: [(network: NetworkAddress, length: Int)] = [
    ("64:ff9b:1::", 48), ("100::", 63), ("2001::", 32), ("2001:db8::", 32), ("3fff::", 20), ("5f00::", 16),
  ].compactMap { text, length in NetworkAddress(literal: text).map { ($0, length) } }

  private var kindOfSix: AddressClass {
    if bytes == [0xfd, 0x00, 0x0e, 0xc2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x54] { return .metadata }
    if bytes.dropLast().allSatisfy({ $0 == 0 }) {
      if bytes[15] == 0 { return .unspecified }
      if bytes[15] == 1 { return .loopback }
    }
    // What is left of ::/96 once meant an IPv4 address inside; nobody is there any more.
    if bytes[..<12].allSatisfy({ $0 == 0 }) { return .reserved }
    if Self.unroutedSix.contains(where: { isInside($0.network, length: $0.length) }) { return .reserved }
    if bytes[0] & 0xfe == 0xfc { return .private }
    if bytes[0] == 0xfe, bytes[1] & 0xc0 == 0x80 { return .linkLocal }
    if bytes[0] == 0xfe, bytes[1] & 0xc0 == 0xc0 { return .private }
    if bytes[0] == 0xff { return .multicast }
    return .public
  }
}

/// What kind of place an address is (IANA's special-purpose registries).
package enum AddressClass: String, Sendable, Hashable {
  case `public`, loopback, `private`, linkLocal, metadata, multicast, unspecified, reserved

  /// Whether no request of anyone may go there: the machine's own cloud credentials live behind these.
  package var isAlwaysRefused: Bool {
    switch self {
    case .linkLocal, .metadata, .multicast, .reserved: true
    case .public, .loopback, .private, .unspecified: false
    }
  }

  /// For messages.
  var words: String {
    switch self {
    case .public: "a public address"
    case .loopback: "this machine itself"
    case .private: "a private address"
    case .linkLocal: "a link-local address"
    case .metadata: "a cloud's metadata service"
    case .multicast: "a multicast address"
    case .unspecified: "the unspecified address"
    case .reserved: "a reserved address"
    }
  }
}
