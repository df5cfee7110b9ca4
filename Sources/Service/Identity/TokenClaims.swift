import Diagnostics
import JWTKit
import Storage

/// What a token says (contract §3.1): the organisation is the first key of `organization`, or `org_name`, or `org_id`.
struct TokenClaims: JWTPayload {
  struct OrganizationClaim: Codable, Sendable { var id: String? }

  var iss: IssuerClaim?
  var sub: SubjectClaim?
  var exp: ExpirationClaim?
  var iat: IssuedAtClaim?
  var jti: IDClaim?
  var organization: [String: OrganizationClaim]?
  var orgName: String?
  var orgID: String?

  enum CodingKeys: String, CodingKey {
    case iss, sub, exp, iat, jti, organization
    case orgName = "org_name"
    case orgID = "org_id"
  }

  func verify(using algorithm: some JWTAlgorithm) throws { try exp?.verifyNotExpired() }

  /// The organisation the caller acts for. With several keys JSON's order decides, which decoding loses;
  /// `payload` is the text they stood in.
  func organizationName(payload: String) throws(Failure) -> OrganizationName {
    let names = (organization ?? [:]).keys
    let first = names.min { position(of: $0, in: payload) < position(of: $1, in: payload) }
    guard let name = first ?? orgName ?? orgID else {
      throw Failure(
        .unauthenticated, reason: "token-without-organization", "the token names no organisation",
        hint: "get one with: kindling token --org NAME")
    }
    do { return try OrganizationName(name) } catch {
      throw Failure(
        .unauthenticated, reason: "token-organization-invalid",
        "the token's organisation '\(name)' is not a valid name",
        hint: error.hint)
    }
  }

  private func position(of key: String, in payload: String) -> Int {
    guard let members = payload.firstRange(of: "\"organization\""),
      let found = payload[members.upperBound...].firstRange(of: "\"\(key)\"")
    else { return Int.max }
    return payload.distance(from: payload.startIndex, to: found.lowerBound)
  }
}
