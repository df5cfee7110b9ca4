import Diagnostics

/// An address of a server elsewhere, `http` or `https`, in one spelling.
///
/// Parsed here, and written anew from its parts, so that no second parser can read another host out of it.
package struct OutboundURL: Sendable, Hashable {
  /// `http` or `https`.
  package let scheme: String
  /// In lower case, without the brackets of an IPv6 address and without a closing dot.
  package let host: String
  package let port: Int
  /// Percent-encoded, beginning with `/`; the query included, the fragment never.
  package let pathAndQuery: String
  /// What stood before the `@`, still percent-encoded. It is secret.
  package let userinfo: String?

  /// Reads an absolute address. Throws `outbound-url`, whose text never repeats userinfo or query.
  package init(parsing text: String) throws(Failure) {
    guard text.utf8.count <= 8192 else { throw Self.refused("the address is longer than 8,192 bytes") }
    guard !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7f }) else {
      throw Self.refused("the address holds a control character")
    }
    guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else {
      throw Self.refused("the address has no 'http://' or 'https://' in front")
    }
    let scheme = text[..<colon].lowercased()
    guard scheme == "http" || scheme == "https" else {
      throw Self.refused("the address begins with '\(scheme.prefix(20))://', which is not http or https")
    }
    let rest = text[text.index(colon, offsetBy: 3)...]
    let end = rest.firstIndex { "/?#\\".contains($0) } ?? rest.endIndex
    let authority = rest[..<end]
    let at = authority.lastIndex(of: "@")
    let (host, port) = try Self.hostAndPort(at.map { authority[authority.index(after: $0)...] } ?? authority, scheme)
    self.init(
      scheme: scheme, host: host, port: port, pathAndQuery: Self.encoded(rest[end...]),
      userinfo: at.map { String(authority[..<$0]) })
  }

  private init(scheme: String, host: String, port: Int, pathAndQuery: String, userinfo: String?) {
    self.scheme = scheme
    self.host = host
    self.port = port
    self.pathAndQuery = pathAndQuery.hasPrefix("/") ? pathAndQuery : "/" + pathAndQuery
    self.userinfo = userinfo
  }

  /// `scheme://host[:port]`, the port only where it is not the scheme's own; equal for two addresses of one server.
  package var origin: String { scheme + "://" + authority }
  /// `host[:port]` as the Host header has it.
  package var authority: String {
    let name = host.contains(":") ? "[\(host)]" : host
    return port == (scheme == "https" ? 443 : 80) ? name : "\(name):\(port)"
  }
  /// The whole address without userinfo. Queries may hold signatures: messages use `display`.
  package var text: String { origin + pathAndQuery }
  /// The address for people: without userinfo and query.
  package var display: String { origin + path }
  /// The path without the query.
  package var path: String { String(pathAndQuery.prefix { $0 != "?" }) }

  /// The same address without its userinfo.
  package var withoutUserinfo: OutboundURL {
    OutboundURL(scheme: scheme, host: host, port: port, pathAndQuery: pathAndQuery, userinfo: nil)
  }

  /// The same server with another path and query, which must begin with `/`.
  package func with(pathAndQuery: String) -> OutboundURL {
    OutboundURL(
      scheme: scheme, host: host, port: port, pathAndQuery: Self.encoded(pathAndQuery[...]), userinfo: userinfo)
  }

  /// The address that `reference` (of a Location header, say) means when read here: RFC 3986, section 5.2.
  ///
  /// Throws `outbound-url`. The userinfo of this address is not handed on.
  package func resolving(_ reference: String) throws(Failure) -> OutboundURL {
    let trimmed = reference.drop { $0 == " " }
    if trimmed.hasPrefix("//") { return try OutboundURL(parsing: scheme + ":" + trimmed) }
    let schemeEnd = trimmed.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) }.endIndex
    if schemeEnd < trimmed.endIndex, schemeEnd > trimmed.startIndex, trimmed[schemeEnd] == ":" {
      return try OutboundURL(parsing: String(trimmed))
    }
    let base = path
    var target: String
    switch trimmed.first {
    case nil, "#": target = pathAndQuery
    case "/", "\\": target = String(trimmed)
    case "?": target = base + trimmed
    default: target = String(base[...(base.lastIndex(of: "/") ?? base.startIndex)] + trimmed)
    }
    target = String(target.prefix { $0 != "#" })
    let query = target.firstIndex(of: "?") ?? target.endIndex
    let resolved = Self.withoutDots(target[..<query]) + target[query...]
    return try OutboundURL(parsing: origin + resolved)
  }

  private static func hostAndPort(_ text: Substring, _ scheme: String) throws(Failure) -> (String, Int) {
    var host = text
    var port = ""[...]
    if text.first == "[" {
      guard let close = text.firstIndex(of: "]") else { throw refused("the address has an unclosed '['") }
      host = text[text.index(after: text.startIndex)..<close]
      let after = text[text.index(after: close)...]
      guard NetworkAddress(literal: String(host))?.bytes.count == 16, after.isEmpty || after.first == ":" else {
        throw refused("the address has no IPv6 address between its brackets")
      }
      port = after.dropFirst()
    } else {
      if let colon = text.firstIndex(of: ":") {
        host = text[..<colon]
        port = text[text.index(after: colon)...]
      }
      guard host.utf8.allSatisfy(isHostByte) else {
        throw refused(
          "the address has a host that is not letters, digits, '.', '-' and '_'",
          hint: "write an international name in its 'xn--' form")
      }
      if host.last == "." { host.removeLast() }
    }
    guard !host.isEmpty, host.utf8.count <= 255, host.first != "-" else { throw refused("the address names no host") }
    guard port.isEmpty || (port.utf8.allSatisfy { (0x30...0x39).contains($0) } && port.utf8.count <= 5),
      let number = port.isEmpty ? (scheme == "https" ? 443 : 80) : Int(port), (1...65535).contains(number)
    else { throw refused("the address has a port that is not 1 to 65535") }
    return (host.lowercased(), number)
  }

  private static func isHostByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x61...0x7a, 0x41...0x5a, 0x30...0x39, 0x2d, 0x2e, 0x5f: true
    default: false
    }
  }

  /// Drops the fragment and writes every byte that RFC 3986 does not allow as `%XX`.
  private static func encoded(_ text: Substring) -> String {
    let digits = Array("0123456789ABCDEF".utf8)
    let bytes = Array(text.prefix { $0 != "#" }.utf8)
    var result: [UInt8] = []
    for (index, byte) in bytes.enumerated() {
      let isEscape =
        byte == UInt8(ascii: "%") && index + 2 < bytes.count && isHex(bytes[index + 1]) && isHex(bytes[index + 2])
      if isEscape || isPathByte(byte) {
        result.append(byte)
      } else {
        result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  private static func isHex(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
    default: false
    }
  }

  private static func isPathByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x61...0x7a, 0x41...0x5a, 0x30...0x39: true
    default: "-._~!$&'()*+,;=:@/?".utf8.contains(byte)
    }
  }

  /// RFC 3986, section 5.2.4.
  private static func withoutDots(_ path: Substring) -> String {
    var kept: [Substring] = []
    let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
    for (index, part) in parts.enumerated() {
      let isLast = index == parts.count - 1
      switch part {
      case ".": if isLast { kept.append("") }
      case "..":
        _ = kept.popLast()
        if isLast { kept.append("") }
      default: kept.append(part)
      }
    }
    return "/" + kept.joined(separator: "/")
  }

  private static func refused(_ message: String, hint: String? = nil) -> Failure {
    Failure(.invalidArgument, reason: "outbound-url", message, hint: hint)
  }
}

extension OutboundURL: CustomStringConvertible {
  package var description: String { display }
}
