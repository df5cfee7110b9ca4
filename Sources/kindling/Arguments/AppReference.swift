import Diagnostics
import Service
import Storage

/// An app as people write it: `org:app`, as the vendor's CLI has it, `org/app`, as its API has it, or `app` of the
/// caller's own organisation.
struct AppReference: Sendable, Hashable {
  let organization: OrganizationName?
  let name: AppName

  /// Throws `app-id-invalid`, `organization-invalid` or `app-name-invalid`.
  init(_ text: String) throws(Failure) {
    let parts = text.split(omittingEmptySubsequences: false) { $0 == ":" || $0 == "/" }.map(String.init)
    switch parts.count {
    case 1: (organization, name) = (nil, try AppName(parts[0]))
    case 2: (organization, name) = (try OrganizationName(parts[0]), try AppName(parts[1]))
    default:
      throw Failure(
        .invalidArgument, reason: "app-id-invalid", "'\(text)' is not an app's id",
        hint: "write it like hello, or with its organisation like acme:hello; see: kindling app list")
    }
  }

  /// The organisation that stands in the id, else the caller's.
  func organization(_ shared: SharedOptions, _ access: ServerAccess) throws(Failure) -> String {
    if let organization { return organization.name }
    return try access.organization(shared)
  }
}

extension ServerAccess {
  /// Whose apps are meant: `--org-name`'s, else the token's, else the one that servers begin with.
  func organization(_ options: SharedOptions) throws(Failure) -> String {
    if let name = options.orgName { return try OrganizationName(name).name }
    if let token, let claimed = IdentityService.claimedOrganization(of: token) { return claimed.name }
    return try OrganizationName(IdentityService.defaultOrganization).name
  }
}

/// An app, and the server it is on.
struct AppTarget: Sendable {
  let access: ServerAccess
  let organization: String
  let name: String

  /// Looks both up; nothing is sent yet.
  static func find(_ text: String, _ shared: SharedOptions) async throws(Failure) -> AppTarget {
    let reference = try AppReference(text)
    let access = try await ServerAccess.find(shared)
    return AppTarget(
      access: access, organization: try reference.organization(shared, access), name: reference.name.name)
  }

  /// As commands take it.
  var id: String { "\(organization):\(name)" }
}
