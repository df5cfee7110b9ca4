import Diagnostics
import FoundationEssentials
import HTTPTypes
import HummingbirdCore
import OCI
import Service

/// How registry clients prove who they are: `docker login` with any user name and a token as the password, or the
/// token as a bearer (distribution's token specification).
struct RegistryAccess: Sendable {
  /// Tokens made for one pull or push live as long as the longest of them.
  static let tokenLifetime: Duration = .seconds(3600)

  let identities: IdentityService
  /// Whether callers without credentials are sent to fetch some.
  let isRequired: Bool

  /// Throws UNAUTHENTICATED for wrong credentials, and for none where some are required.
  func caller(of call: Call) async throws(Failure) -> RegistryCaller {
    guard let header = call.header(.authorization) else {
      guard isRequired else { return .local }
      throw Failure(
        .unauthenticated,
        reason: "unauthorized",
        "the registry wants credentials",
        hint: "docker login \(call.host), with any user name and as password what kindling token prints"
      )
    }
    if let password = Self.password(basic: header) {
      return .identity(try await identities.identity(token: password))
    }
    return .identity(try await identities.identity(authorization: header))
  }

  /// `GET /v2/token`: a short-lived token for the holder of a long-lived one.
  func token(for call: Call) async throws(Failure) -> Response {
    guard call.isReading else { return .methodNotAllowed(call, allowed: [.get]) }
    struct Answer: Encodable {
      var token: String
      var access_token: String
      var expires_in: Int64
    }
    guard call.header(.authorization) != nil else {
      throw Failure(
        .unauthenticated,
        reason: "unauthorized",
        "the call carries no credentials",
        hint: "docker login \(call.host), with any user name and as password what kindling token prints"
      )
    }
    guard case .identity(let caller) = try await caller(of: call) else {
      throw Failure(.unauthenticated, reason: "unauthorized", "the call carries no credentials")
    }
    // With the scopes and the end of the token it was made from: the registry asks for none, but the API takes it too.
    let (token, lifetime) = try await identities.mintToken(for: caller, lifetime: Self.tokenLifetime)
    return .json(Answer(token: token, access_token: token, expires_in: lifetime.components.seconds))
  }

  /// What a 401 says: where a token for the request at hand is to be had.
  static func challenge(for call: Call, route: RegistryRoute?) -> String {
    var text = "Bearer realm=\"http://\(quotable(call.host))/v2/token\",service=\"\(quotable(call.host))\""
    if let name = route?.repositoryName, let repository = try? Repository(name) {
      text += ",scope=\"repository:\(repository):\(call.isReading ? "pull" : "pull,push")\""
    }
    return text
  }

  /// The password of `Basic` credentials; nil when the header holds something else.
  static func password(basic header: String) -> String? {
    guard header.prefix(6).lowercased() == "basic ",
      let decoded = Data(base64Encoded: String(header.dropFirst(6).trimming(" "))),
      let colon = decoded.firstIndex(of: UInt8(ascii: ":"))
    else { return nil }
    return String(decoding: decoded[decoded.index(after: colon)...], as: UTF8.self)
  }

  private static func quotable(_ text: String) -> String { text.filter { $0 != "\"" && $0 != "\\" } }
}
