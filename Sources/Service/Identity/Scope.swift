import Diagnostics

/// What a token may be restricted to, one name for each method that checks one (contract §3.1).
///
/// The names of services that are not emulated yet are known too, so that a token written for the platform is read here
/// as it is there.
package enum Scope: String, Sendable, Hashable, CaseIterable, Comparable {
  case createBuild = "CreateBuild"
  case getBuild = "GetBuild"
  case listBuilds = "ListBuilds"
  case cancelBuild = "CancelBuild"
  case saveBuildSecrets = "SaveBuildSecrets"
  case deployApp = "DeployApp"
  case getApp = "GetApp"
  case listApps = "ListApps"
  case listAppVersions = "ListAppVersions"
  case rollbackApp = "RollbackApp"
  case invokeApp = "InvokeApp"
  case getExecution = "GetExecution"
  case createSecret = "CreateSecret"
  case getSecret = "GetSecret"
  case listSecrets = "ListSecrets"
  case deleteSecret = "DeleteSecret"

  /// The scopes among `words`; nil when there is none, which restricts nothing.
  ///
  /// Every Keycloak token says `openid profile email`: those are other people's words, and no restriction.
  package static func restriction(in words: some Sequence<String>) -> Set<Scope>? {
    let known = Set(words.compactMap { Scope(rawValue: $0) })
    return known.isEmpty ? nil : known
  }

  /// The scope of that name; throws `scope-unknown`, since a token that names no scope at all may do everything.
  package init(named name: String) throws(Failure) {
    guard let scope = Scope(rawValue: name) else {
      throw Failure(
        .invalidArgument, reason: "scope-unknown", "'\(name.prefix(100))' is not a scope",
        hint: "the scopes are \(Scope.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    self = scope
  }

  package static func < (a: Scope, b: Scope) -> Bool { a.rawValue < b.rawValue }
}

extension Set<Scope> {
  /// As the claim `scope` has them: by name, parted by blanks.
  package var words: String { sorted().map(\.rawValue).joined(separator: " ") }
}
