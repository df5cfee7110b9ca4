import Storage

extension IdentityService {
  /// The organisation a token says it is for; nothing is checked, and nothing may be granted by it. For clients that
  /// want to know where their own things are.
  package static func claimedOrganization(of token: String) -> OrganizationName? {
    guard let claims = try? believed(token) else { return nil }
    return try? claims.organizationName(payload: payload(of: token) ?? "")
  }
}
