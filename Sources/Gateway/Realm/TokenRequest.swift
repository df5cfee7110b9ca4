import Diagnostics
import FoundationEssentials
import HTTPTypes
import NIOCore
import Service

/// What a client sends to the token endpoint: a form, and its name and secret there or in HTTP's Basic scheme.
struct TokenRequest: Sendable {
  /// OpenID Connect's own scopes, which clients send by habit and which open nothing here.
  static let standard = ["openid", "profile", "email", "roles", "offline_access"]
  private static let bodyLimit = 64 << 10

  let clientID: String
  let secret: String
  /// The scopes asked for; nil when only standard ones are, or none.
  let scopes: Set<Scope>?
  let standardScopes: [String]

  init(_ call: Call) async throws(TokenRefusal) {
    let form = try await Self.form(of: call)
    guard let grant = form["grant_type"], !grant.isEmpty else {
      throw TokenRefusal(.invalidRequest, "the form has no grant_type; send grant_type=client_credentials")
    }
    guard grant == "client_credentials" else {
      throw TokenRefusal(
        .unsupportedGrantType, "grant_type '\(grant.prefix(100))' is not offered; send grant_type=client_credentials")
    }
    (clientID, secret) = try Self.client(form, authorization: call.header(.authorization))
    let words = (form["scope"] ?? "").split(separator: " ").map(String.init)
    standardScopes = words.filter { Self.standard.contains($0) }
    var wanted: Set<Scope> = []
    for word in words where !Self.standard.contains(word) {
      // A slip that named no scope would otherwise make a token that may do everything.
      do throws(Failure) { wanted.insert(try Scope(named: word)) } catch {
        throw TokenRefusal(.invalidScope, error.oneLine)
      }
    }
    scopes = wanted.isEmpty ? nil : wanted
  }

  private static func form(of call: Call) async throws(TokenRefusal) -> [String: String] {
    let type = call.header(.contentType)?.lowercased() ?? ""
    guard type.hasPrefix("application/x-www-form-urlencoded") else {
      throw TokenRefusal(
        .invalidRequest,
        "the body is not a form; send Content-Type: application/x-www-form-urlencoded, as curl -d does")
    }
    let body: ByteBuffer?
    do throws(Failure) { body = try await BodyReader.collect(call.request, limit: bodyLimit) } catch {
      throw TokenRefusal(.invalidRequest, error.oneLine)
    }
    guard let body else { throw TokenRefusal(.invalidRequest, "the form is larger than 64 KiB") }
    var form: [String: String] = [:]
    for parameter in Query(String(buffer: body)).parameters {
      // RFC 6749 §3.2: parameters must not be included more than once.
      guard form.updateValue(parameter.value, forKey: parameter.name) == nil else {
        throw TokenRefusal(.invalidRequest, "the form names '\(parameter.name.prefix(100))' twice")
      }
    }
    return form
  }

  /// The header counts where both are sent, as Keycloak has it.
  private static func client(
    _ form: [String: String], authorization: String?
  ) throws(TokenRefusal) -> (id: String, secret: String) {
    if let authorization {
      guard let pair = BasicPair(authorization) else {
        throw TokenRefusal(.invalidClient, "the authorization header is not HTTP Basic with CLIENT_ID:CLIENT_SECRET")
      }
      return try checked(id: pair.name, secret: pair.password)
    }
    return try checked(id: form["client_id"] ?? "", secret: form["client_secret"] ?? "")
  }

  private static func checked(id: String, secret: String) throws(TokenRefusal) -> (id: String, secret: String) {
    guard !id.isEmpty, id.utf8.count <= 255, id.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else {
      throw TokenRefusal(.invalidClient, "there is no client_id; send client_id and client_secret, or HTTP Basic")
    }
    guard !secret.isEmpty else {
      throw TokenRefusal(.invalidClient, "client '\(id)' sent no client_secret; any text will do on this machine")
    }
    return (id, secret)
  }
}

/// HTTP's Basic scheme as OAuth writes it: both parts encoded like a form's (RFC 6749 §2.3.1), which most clients leave
/// out and which changes nothing for letters and digits.
private struct BasicPair {
  var name: String
  var password: String

  init?(_ header: String) {
    guard header.prefix(6).lowercased() == "basic ",
      let bytes = Data(base64Encoded: String(header.dropFirst(6).trimming(" ")))
    else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    guard let colon = text.firstIndex(of: ":") else { return nil }
    name = PercentText.decoded(String(text[..<colon]))
    password = PercentText.decoded(String(text[text.index(after: colon)...]))
  }
}
