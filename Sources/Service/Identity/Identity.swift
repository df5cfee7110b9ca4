import Diagnostics
import Storage

/// Who is calling, resolved once at the door and passed down; nothing below asks for a token again.
package struct Identity: Sendable, Hashable {
  /// The only organisation whose rows and repositories the caller can see.
  package var organization: OrganizationName
  /// Who exactly, for records; never used for a decision.
  package var subject: String
  /// The methods the caller's token is restricted to; nil for all of them.
  package var scopes: Set<Scope>?
  /// When the caller's token ends; nil for callers without one. What is made from a token ends with it.
  package var expiresAt: Timestamp?

  package init(
    organization: OrganizationName, subject: String, scopes: Set<Scope>? = nil, expiresAt: Timestamp? = nil
  ) {
    self.organization = organization
    self.subject = subject
    self.scopes = scopes
    self.expiresAt = expiresAt
  }

  /// Throws PERMISSION_DENIED when the caller's token is restricted to other scopes.
  package func require(_ scope: Scope) throws(Failure) {
    guard let scopes, !scopes.contains(scope) else { return }
    let wanted = scopes.union([scope]).sorted().map { "--scope \($0.rawValue)" }.joined(separator: " ")
    throw Failure(
      .permissionDenied, reason: "scope-missing", "the token lacks the scope '\(scope.rawValue)'",
      hint: "get one that has it with: kindling token --org \(organization) \(wanted)")
  }
}
