import Diagnostics
import JWTKit
import Storage

/// What a token says (contract §3.1): the organisation is the first key of `organization`, or `org_name`, or `org_id`;
/// the scopes are the words of `scope`, or the list `scopes`.
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
  var scope: WordList?
  var scopes: WordList?

  enum CodingKeys: String, CodingKey {
    case iss, sub, exp, iat, jti, organization, scope, scopes
    case orgName = "org_name"
    case orgID = "org_id"
  }

  func verify(using algorithm: some JWTAlgorithm) throws { try exp?.verifyNotExpired() }

  /// What the token is restricted to; nil when it names no scope of ours.
  var restriction: Set<Scope>? { Scope.restriction(in: (scope?.words ?? []) + (scopes?.words ?? [])) }

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

/// Words in one text, parted by blanks (RFC 8693 §4.2), or one by one in a list: issuers write both. Anything else in
/// their place says nothing about scopes.
struct WordList: Codable, Sendable {
  var words: [String]

  init(_ words: [String]) { self.words = words }

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if let text = try? value.decode(String.self) {
      words = text.split(separator: " ").map(String.init)
    } else {
      words = (try? value.decode([String].self)) ?? []
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(words.joined(separator: " "))
  }
}
