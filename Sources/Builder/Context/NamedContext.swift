import OCI

/// What a name in FROM and `--from` stands for instead of a stage or image of that name (`--build-context`).
package enum NamedContext: Sendable {
  /// `docker-image://…`: an image.
  case image(String)
  /// `target:…`: an earlier stage of the same Dockerfile.
  case stage(String)
  /// The files of a folder or an archive, without those that its own .dockerignore names.
  case files(BuildOrder.Source)
  /// The files of a commit, as ADD names repositories; fetched when a stage needs it.
  case git(String)
}

/// The name of a named context as it is compared.
enum ContextName {
  /// BuildKit: letters of any case, and of an image's name neither Docker Hub nor `latest` count: `docker.io/library/go`
  /// and `go:latest` are `go`.
  static func key(of text: String) -> String {
    let text = text.lowercased()
    guard var reference = try? Reference(text) else { return text }
    if ["docker.io", "index.docker.io"].contains(reference.registry) { reference.registry = nil }
    if reference.tag == .latest, reference.digest == nil { reference.tag = nil }
    let name = reference.description
    return reference.registry == nil && name.hasPrefix("library/") ? String(name.dropFirst("library/".count)) : name
  }
}
