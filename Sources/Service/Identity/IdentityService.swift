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
  /// No token needed: everybody is the default organisation.
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
  package func identity(authorization: String?) async throws(Failure) -> Identity {
    guard let token = try Self.bearer(authorization) else {
      if mode == .off { return Identity(organization: defaultOrganization, subject: "anonymous") }
      throw Failure(
        .unauthenticated, reason: "token-missing", "the call carries no token",
        hint: "send 'Authorization: Bearer TOKEN'; get one with: kindling token")
    }
    return try await identity(token: token)
  }

  /// The caller behind a bare token, as registry clients send it in a password.
  package func identity(token: String) async throws(Failure) -> Identity {
    let claims: TokenClaims
    switch mode {
    case .tokens: claims = try await mint.verified(token)
    case .claims: claims = try Self.believed(token)
    case .off: return Identity(organization: defaultOrganization, subject: "anonymous")
    }
    return Identity(
      organization: try claims.organizationName(payload: Self.payload(of: token) ?? ""),
      subject: claims.sub?.value ?? "unknown")
  }

  /// A token for the given organisation, as the web page and `kindling token` use it.
  package func mintToken(
    for organization: OrganizationName, lifetime: Duration = TokenMint.defaultLifetime
  ) async throws(Failure) -> String {
    try await mint.mint(organization: organization, lifetime: lifetime)
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
