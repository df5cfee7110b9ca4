import Diagnostics
import Runner
import Service
import Storage

/// Who may call which app by its host name (contract §1.2): a token of the app's organisation, any token for `public`,
/// none for apps that allow it.
///
/// Nobody learns by it which apps others have. Without a token every host name answers alike. With one, a name that could
/// be the caller's own or a public one is said to be unknown when it is, and every other name is refused in the same
/// words, whether there is such an app or not.
struct AppAccess: Sendable {
  /// The organisation whose apps every organisation may call.
  static let publicOrganization = "public"

  /// Why `caller` gets no further; nil when it does.
  static func refusal(of caller: Identity, label: String, to destination: AppDestination?) -> Failure? {
    let isOwn = destination.map { $0.app.organization == caller.organization } ?? false
    guard let destination, isOwn || destination.isPublic else {
      return mayKnow(label, caller.organization) ? unknown(label, caller) : foreign(label, caller)
    }
    do throws(Failure) {
      try caller.require(.invokeApp)
      return nil
    } catch { return error }
  }

  /// Whether the label looks like one of the organisation's own apps or of a public one.
  private static func mayKnow(_ label: String, _ organization: OrganizationName) -> Bool {
    var name = label.utf8[...]
    if belongs(name, to: organization.name) || belongs(name, to: publicOrganization) { return true }
    // Once more without a port.
    guard let hyphen = name.lastIndex(of: 0x2d) else { return false }
    let port = name[name.index(after: hyphen)...]
    guard (1...5).contains(port.count), port.allSatisfy({ (0x30...0x39).contains($0) }) else { return false }
    name = name[..<hyphen]
    return belongs(name, to: organization.name) || belongs(name, to: publicOrganization)
  }

  private static func belongs(_ label: Substring.UTF8View, to organization: String) -> Bool {
    label.count > organization.utf8.count + 1 && label.suffix(organization.utf8.count).elementsEqual(organization.utf8)
      && label.dropLast(organization.utf8.count).last == 0x2d
  }

  private static func unknown(_ label: String, _ caller: Identity) -> Failure {
    Failure(
      .notFound, reason: "app-unknown", "there is no app with the host name '\(label.prefix(200))'",
      hint: "see which there are with: kindling app list")
  }

  private static func foreign(_ label: String, _ caller: Identity) -> Failure {
    Failure(
      .permissionDenied, reason: "app-foreign",
      "host name '\(label.prefix(200))' belongs to no app of organisation '\(caller.organization)'",
      hint: "call it with a token of its own organisation: kindling token --org NAME")
  }
}
