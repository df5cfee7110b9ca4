import Diagnostics
import Foundation
import JWTKit
import Storage

/// Makes and checks this server's tokens: HS256 with a key drawn from the data directory's own.
package struct TokenMint: Sendable {
  /// Thirty days: long enough for a laptop's daily use, short enough to show that tokens end.
  package static let defaultLifetime: Duration = .seconds(30 * 86_400)

  private let keys: JWTKeyCollection

  /// `key` is the data directory's key; the signing key is derived from it, so that a token never tells about seals.
  package init(key: [UInt8]) async {
    let signing = HMACKey(from: Data(key + Array("kindling tokens".utf8)))
    keys = await JWTKeyCollection().add(hmac: signing, digestAlgorithm: .sha256)
  }

  /// A token for `organization` that ends after `lifetime`; without `scopes` it may do everything there.
  package func mint(
    organization: OrganizationName, subject: String = "local-developer", scopes: Set<Scope>? = nil,
    issuer: String = "kindling", lifetime: Duration = Self.defaultLifetime
  ) async throws(Failure) -> String {
    // Whole seconds: not every client reads the fractions that RFC 7519 allows.
    let now = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down))
    let claims = TokenClaims(
      iss: IssuerClaim(value: issuer), sub: SubjectClaim(value: subject),
      exp: ExpirationClaim(value: now.addingTimeInterval(Double(lifetime.components.seconds))),
      iat: IssuedAtClaim(value: now), jti: IDClaim(value: UUID().uuidString.lowercased()),
      organization: [organization.name: .init(id: UUID().uuidString.lowercased())],
      scope: scopes.map { WordList($0.sorted().map(\.rawValue)) })
    do { return try await keys.sign(claims) } catch { throw Failure(wrapping: error, while: "signing a token") }
  }

  /// Checks signature and expiry; throws UNAUTHENTICATED with what is wrong.
  func verified(_ token: String) async throws(Failure) -> TokenClaims {
    do {
      return try await keys.verify(token, as: TokenClaims.self)
    } catch let error as JWTError {
      let expired = error.errorType == .claimVerificationFailure
      throw Failure(
        .unauthenticated, reason: expired ? "token-expired" : "token-invalid",
        expired ? "the token has expired" : "the token was not made by this server or is damaged",
        hint: "get a new one with: kindling token")
    } catch {
      throw Failure(
        .unauthenticated, reason: "token-invalid", "the token is not a JSON web token",
        hint: "get one with: kindling token")
    }
  }
}
