import Diagnostics
import Foundation
import JWTKit
import Storage

/// Which tokens the server believes (contract, "Authentication modes").
package enum AuthenticationMode: String, Sendable, CaseIterable {
  /// Tokens minted by this server: signature and expiry checked.
  case tokens
  /// Any JSON web token, its claims believed without a signature: for clients that bring the real platform's token.
  case claims
  /// No token needed: everybody is the organisation that `x-organization-name` says, or the default one.
  case off
}

/// Resolves a caller from what the request carries.
package final class IdentityService: Sendable {
  package static let defaultOrganization = "dev"

  package let mode: AuthenticationMode
  package let defaultOrganization: OrganizationName
  private let mint: TokenMint

  package init(mode: AuthenticationMode, mint: TokenMint) throws(Failure) {
    self.mode = mode
    self.mint = mint
    self.defaultOrganization = try OrganizationName(Self.defaultOrganization)
  }

  /// The caller behind an `Authorization` header's value (`Bearer …`); throws UNAUTHENTICATED.
  ///
  /// `organization` is what the caller says in `x-organization-name`, which the platform's own gateway writes and
  /// strips from outside (contract §3.1): it counts where nobody is asked for a token, and nowhere else.
  package func identity(authorization: String?, organization: String? = nil) async throws(Failure) -> Identity {
    if mode == .off { return try anybody(of: organization) }
    guard let token = try Self.bearer(authorization) else {
      throw Failure(
        .unauthenticated, reason: "token-missing", "the call carries no token",
        hint: "send 'Authorization: Bearer TOKEN'; get one with: kindling token")
    }
    return try await identity(token: token)
  }

  /// The caller behind a bare token, as registry clients send it in a password.
  package func identity(token: String) async throws(Failure) -> Identity {
    switch mode {
    case .tokens: try await verified(token)
    case .claims: try Self.identity(try Self.believed(token), token)
    case .off: try anybody(of: nil)
    }
  }

  /// The caller behind a token that this server made, whatever else it would believe.
  package func verified(_ token: String) async throws(Failure) -> Identity {
    try Self.identity(try await mint.verified(token), token)
  }

  /// A token for the given organisation, as the web page and `kindling token` use it.
  package func mintToken(
    for organization: OrganizationName, lifetime: Duration = TokenMint.defaultLifetime
  ) async throws(Failure) -> String {
    try await mint.mint(organization: organization, lifetime: lifetime)
  }

  /// A token that may do what `caller` may, and neither more nor longer; with how long it lasts.
  package func mintToken(
    for caller: Identity, issuer: String = "kindling", lifetime: Duration
  ) async throws(Failure) -> (token: String, lifetime: Duration) {
    var lifetime = lifetime
    if let end = caller.expiresAt {
      let left = max(0, end.milliseconds - Int64(Date().timeIntervalSince1970 * 1000)) / 1000
      lifetime = min(lifetime, .seconds(left))
    }
    let token = try await mint.mint(
      organization: caller.organization, subject: caller.subject, scopes: caller.scopes, issuer: issuer,
      lifetime: lifetime)
    return (token, lifetime)
  }

  private func anybody(of organization: String?) throws(Failure) -> Identity {
    let named = organization.flatMap { $0.isEmpty ? nil : $0 }
    return Identity(
      organization: try named.map { name throws(Failure) in try OrganizationName(name) } ?? defaultOrganization,
      subject: "anonymous")
  }

  private static func identity(_ claims: TokenClaims, _ token: String) throws(Failure) -> Identity {
    Identity(
      organization: try claims.organizationName(payload: payload(of: token) ?? ""),
      subject: claims.sub?.value ?? "unknown", scopes: claims.restriction,
      expiresAt: claims.exp.map { Self.moment($0.value) })
  }

  /// Tokens of others may say anything: a date beyond all reason is the end of time.
  private static func moment(_ date: Date) -> Timestamp {
    let seconds = date.timeIntervalSince1970
    return Timestamp(milliseconds: seconds < 1e12 ? Int64(max(0, seconds) * 1000) : .max)
  }

  private static func bearer(_ header: String?) throws(Failure) -> String? {
    guard let header else { return nil }
    let parts = header.split(separator: " ", maxSplits: 1)
    guard parts.count == 2, parts[0].lowercased() == "bearer" else {
      throw Failure(
        .unauthenticated, reason: "token-invalid", "the authorization header does not begin with 'Bearer '",
        hint: "send 'Authorization: Bearer TOKEN'")
    }
    return parts[1].trimmingCharacters(in: .whitespaces)
  }

  static func payload(of token: String) -> String? {
    let parts = token.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3 else { return nil }
    var text = String(parts[1]).replacing("-", with: "+").replacing("_", with: "/")
    text += String(repeating: "=", count: (4 - text.count % 4) % 4)
    return Data(base64Encoded: text).map { String(decoding: $0, as: UTF8.self) }
  }

  static func believed(_ token: String) throws(Failure) -> TokenClaims {
    guard let payload = payload(of: token),
      let claims = try? JSONDecoder.jwt.decode(TokenClaims.self, from: Data(payload.utf8))
    else {
      throw Failure(.unauthenticated, reason: "token-invalid", "the token is not a JSON web token")
    }
    if let expiry = claims.exp?.value, expiry < Date() {
      throw Failure(.unauthenticated, reason: "token-expired", "the token has expired")
    }
    return claims
  }
}

extension JSONDecoder {
  /// JWT dates are seconds since 1970 (RFC 7519 §2, NumericDate).
  fileprivate static var jwt: JSONDecoder {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .secondsSince1970
    return decoder
  }
}
