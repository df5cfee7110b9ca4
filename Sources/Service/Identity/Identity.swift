import Storage

/// Who is calling, resolved once at the door and passed down; nothing below asks for a token again.
package struct Identity: Sendable, Hashable {
  /// The only organisation whose rows and repositories the caller can see.
  package var organization: OrganizationName
  /// Who exactly, for records; never used for a decision.
  package var subject: String

  package init(organization: OrganizationName, subject: String) {
    self.organization = organization
    self.subject = subject
  }
}
