import Diagnostics

/// What a path under `/v2/` names (distribution-spec 1.1, "Endpoints"), read from its end because repository names
/// contain slashes. Names, digests and references are still text: what is wrong with them is the handler's answer.
enum RegistryRoute: Sendable, Equatable {
  /// `/v2/`
  case version
  /// `/v2/token`
  case token
  /// `/v2/_catalog`
  case catalog
  /// `/v2/NAME/blobs/DIGEST`
  case blob(String, digest: String)
  /// `/v2/NAME/blobs/uploads/`
  case uploads(String)
  /// `/v2/NAME/blobs/uploads/ID`
  case upload(String, id: String)
  /// `/v2/NAME/manifests/REFERENCE`
  case manifest(String, reference: String)
  /// `/v2/NAME/tags/list`
  case tags(String)
  /// `/v2/NAME/referrers/DIGEST`
  case referrers(String, digest: String)

  /// Nil when the path is none of them; `path` begins with `/v2` and is still encoded.
  init?(_ path: String) {
    var components = PercentText.decoded(path).split(separator: "/", omittingEmptySubsequences: false).dropFirst(2)
    if components.last == "" { components.removeLast() }
    guard let last = components.popLast() else {
      self = .version
      return
    }
    if components.isEmpty {
      switch last {
      case "token": self = .token
      case "_catalog": self = .catalog
      default: return nil
      }
      return
    }
    let kind = components.removeLast()
    switch (kind, last) {
    case ("blobs", "uploads"): self = .uploads(Self.name(components))
    case ("blobs", _): self = .blob(Self.name(components), digest: String(last))
    case ("uploads", _) where components.last == "blobs":
      self = .upload(Self.name(components.dropLast()), id: String(last))
    case ("manifests", _): self = .manifest(Self.name(components), reference: String(last))
    case ("tags", "list"): self = .tags(Self.name(components))
    case ("referrers", _): self = .referrers(Self.name(components), digest: String(last))
    default: return nil
    }
  }

  /// The repository's name as written, where the path has one.
  var repositoryName: String? {
    switch self {
    case .version, .token, .catalog: nil
    case .blob(let name, _), .uploads(let name), .upload(let name, _), .manifest(let name, _), .tags(let name),
      .referrers(let name, _):
      name
    }
  }

  private static func name(_ components: ArraySlice<Substring>) -> String { components.joined(separator: "/") }
}
