import NIOHTTP1
import Storage

/// What becomes of headers on their way to an app and back.
package enum CallHeaders {
  /// How a message's body is delimited.
  package enum Framing: Equatable {
    case none
    case length
    case chunked
    /// A transfer coding that nobody here takes off (RFC 9112 §6.1).
    case unknown(String)
  }

  /// Who called, as far as an app is told.
  package struct Caller {
    package var address: String?
    package var host: String?
    package init(address: String? = nil, host: String? = nil) {
      self.address = address
      self.host = host
    }
  }

  // MARK: - To the app

  /// The headers an app gets: as they came, without what concerns one connection alone (RFC 9110 §7.6.1), and with ours
  /// in the place of every copy a caller made up.
  ///
  /// `upgrade` is what the connection is to become; nil when nothing was offered, or nothing may be.
  package static func toApp(
    _ headers: HTTPHeaders, app: AppID, execution: ExecutionID, caller: Caller, framing: Framing, upgrade: String?,
    hidesAuthorization: Bool
  ) -> HTTPHeaders {
    let dropped = nominated(headers)
    var kept: [(String, String)] = []
    kept.reserveCapacity(headers.count + 6)
    var forwarded: String?
    var hasProto = false
    var hasHost = false
    for (name, value) in headers {
      switch kind(of: name) {
      case .connection, .injected, .transferEncoding: continue
      case .te:
        // The one word of it that concerns the whole way.
        if value.lowercased().contains("trailers") { kept.append((name, "trailers")) }
        continue
      case .contentLength: if framing != .length { continue }
      case .authorization: if hidesAuthorization { continue }
      case .forwardedFor:
        forwarded = forwarded.map { "\($0), \(value)" } ?? value
        continue
      case .forwardedProto: hasProto = true
      case .forwardedHost: hasHost = true
      case .other: if !dropped.isEmpty, dropped.contains(name.lowercased()) { continue }
      }
      kept.append((name, value))
    }
    if framing == .chunked { kept.append(("transfer-encoding", "chunked")) }
    if let upgrade {
      kept.append(("connection", "upgrade"))
      kept.append(("upgrade", upgrade))
    }
    if let address = caller.address {
      kept.append(("x-forwarded-for", forwarded.map { "\($0), \(address)" } ?? address))
      if !hasProto { kept.append(("x-forwarded-proto", "http")) }
    }
    if let host = caller.host, !hasHost { kept.append(("x-forwarded-host", host)) }
    kept.append(("x-ignite-execution-id", execution.text))
    kept.append(("x-ignite-function-id", app.description))
    kept.append(("x-ignite-organization-id", app.organization.name))
    return HTTPHeaders(kept)
  }

  /// Trailers of a request, without what nobody may say and what would change the message (RFC 9110 §6.5.1).
  package static func trailersToApp(_ trailers: HTTPHeaders?) -> HTTPHeaders? {
    guard let trailers else { return nil }
    let kept = trailers.filter { name, _ in
      switch kind(of: name) {
      case .other, .forwardedFor, .forwardedHost, .forwardedProto: !name.names("host")
      default: false
      }
    }
    return kept.isEmpty ? nil : HTTPHeaders(kept.map { ($0.name, $0.value) })
  }

  /// How a request's body comes.
  package static func framing(of headers: HTTPHeaders) -> Framing {
    let codings = headers["transfer-encoding"]
    if codings.isEmpty { return headers.contains(name: "content-length") ? .length : .none }
    let text = codings.joined(separator: ", ")
    return text.lowercased() == "chunked" ? .chunked : .unknown(text)
  }

  /// The protocol an HTTP/1.1 request wants to go on with; nil when it wants none. `h2c` is what clients offer that could
  /// do with HTTP/1.1: gRPC has HTTP/2 here, apps have not.
  package static func upgrade(in headers: HTTPHeaders) -> String? {
    guard let wanted = headers.first(name: "upgrade"),
      headers[canonicalForm: "connection"].contains(where: { $0.lowercased() == "upgrade" }),
      !wanted.lowercased().hasPrefix("h2c")
    else { return nil }
    return wanted
  }

  // MARK: - Back to the caller

  /// The headers of an app's answer without what concerned its connection alone; `framing` is left to whoever writes
  /// the answer. With `isOpen` every origin may read it.
  package static func toCaller(_ headers: HTTPHeaders, isOpen: Bool) -> [(String, String)] {
    let dropped = nominated(headers)
    var kept: [(String, String)] = []
    kept.reserveCapacity(headers.count + 3)
    for (name, value) in headers {
      switch kind(of: name) {
      case .connection, .transferEncoding: continue
      case .other:
        if !dropped.isEmpty, dropped.contains(name.lowercased()) { continue }
        // Two of them, and browsers believe neither.
        if isOpen, name.names("access-control-allow-origin") { continue }
      default: break
      }
      kept.append((name, value))
    }
    if isOpen { kept.append(("access-control-allow-origin", "*")) }
    return kept
  }

  /// Trailers of an answer.
  package static func trailersToCaller(_ trailers: HTTPHeaders?) -> HTTPHeaders? {
    guard let trailers else { return nil }
    let kept = trailers.filter { name, _ in
      switch kind(of: name) {
      case .connection, .transferEncoding, .contentLength: false
      default: true
      }
    }
    return kept.isEmpty ? nil : HTTPHeaders(kept.map { ($0.name, $0.value) })
  }

  // MARK: - Names

  private enum Kind {
    case other, connection, injected, te, transferEncoding, contentLength, authorization
    case forwardedFor, forwardedHost, forwardedProto
  }

  // By length first: nearly every name is told apart from all of these by it.
  private static func kind(of name: String) -> Kind {
    // All of them, not only those that are there now: an app trusts the names that are added later too.
    if name.beginsLoosely("x-ignite-") { return .injected }
    return switch name.utf8.count {
    case 2: name.names("te") ? .te : .other
    case 7: name.names("upgrade") ? .connection : .other
    case 10: name.names("connection") || name.names("keep-alive") ? .connection : .other
    case 13: name.names("authorization") ? .authorization : .other
    case 14: name.names("content-length") ? .contentLength : .other
    case 15: name.names("x-forwarded-for") ? .forwardedFor : .other
    case 16: name.names("proxy-connection") ? .connection : name.names("x-forwarded-host") ? .forwardedHost : .other
    case 17:
      name.names("transfer-encoding") ? .transferEncoding : name.names("x-forwarded-proto") ? .forwardedProto : .other
    case 19: name.names("proxy-authorization") ? .connection : .other
    default: .other
    }
  }

  /// What `Connection` says to drop besides the usual, in lower case. What delimits the message and says where it goes
  /// is never dropped by it: that would make one request of two, or two of one.
  private static func nominated(_ headers: HTTPHeaders) -> [String] {
    guard headers.contains(name: "connection") else { return [] }
    return headers[canonicalForm: "connection"].compactMap { token in
      switch token.lowercased() {
      case "close", "keep-alive", "upgrade", "te", "host", "content-length", "transfer-encoding", "": nil
      case let name: name
      }
    }
  }
}
