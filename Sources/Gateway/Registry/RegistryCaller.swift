import Diagnostics
import OCI
import Service
import Storage

/// Who calls the registry, and what they may touch.
enum RegistryCaller: Sendable, Equatable {
  /// Nobody in particular on this machine's own listener: every organisation's repositories.
  case local
  /// The holder of a token: the repositories of one organisation.
  case identity(Identity)

  /// The organisation a listing is bound to; nil for all.
  var owner: OrganizationName? {
    switch self {
    case .local: nil
    case .identity(let identity): identity.organization
    }
  }

  /// Throws `denied` for writing to another organisation's repository, and `name-unknown` for reading one, so that
  /// nobody learns whether it exists.
  func check(_ repository: Repository, writing: Bool) throws(Failure) {
    guard let owner, repository.owner != owner.name else { return }
    guard writing else {
      throw Failure(.notFound, reason: "name-unknown", "repository '\(repository)' does not exist")
    }
    throw Failure(
      .permissionDenied,
      reason: "denied",
      "repository '\(repository)' does not belong to organisation '\(owner)'",
      hint:
        "push to \(owner)/\(repository.name.split(separator: "/").last ?? "NAME"), or log in with a token of '\(repository.owner)'"
    )
  }

  /// The repository of that name; throws `name-invalid` unless it is below an organisation.
  static func repository(_ name: String, host: String) throws(Failure) -> Repository {
    let repository = try Repository(name)
    guard name.contains("/") else {
      throw Failure(
        .invalidArgument,
        reason: "name-invalid",
        "repository '\(name)' names no organisation",
        hint: "push to \(host)/ORGANISATION/\(name)"
      )
    }
    do throws(Failure) { _ = try OrganizationName(repository.owner) } catch {
      throw Failure(
        .invalidArgument,
        reason: "name-invalid",
        "repository '\(name)' does not begin with an organisation's name",
        hint: error.hint
      )
    }
    return repository
  }
}
