import Diagnostics
import OCI

/// An image of another registry: which one, which repository there, and which manifest.
package struct RemoteName: Sendable, Hashable, CustomStringConvertible {
  /// As people name it: `docker.io`, `ghcr.io`, `localhost:5000`; in lower case.
  package var host: String
  package var repository: Repository
  package var manifest: ManifestReference

  package init(host: String, repository: Repository, manifest: ManifestReference) {
    self.host = host
    self.repository = repository
    self.manifest = manifest
  }

  /// Docker: no host means Docker Hub, and a single word there lies in `library/`. `RemoteNameTests`.
  package init(_ reference: Reference) throws(Failure) {
    host = Self.canonical(host: reference.registry ?? "docker.io")
    let path = reference.repository.name
    repository = host == "docker.io" && !path.contains("/") ? try Repository("library/" + path) : reference.repository
    manifest = reference.manifest
  }

  /// One name for each registry: scheme and path taken off, and Docker Hub's several names made one.
  package static func canonical(host text: String) -> String {
    let rest = text.firstRange(of: "://").map { text[$0.upperBound...] } ?? text[...]
    let host = String(rest.prefix { $0 != "/" }).lowercased()
    return ["index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"].contains(host) ? "docker.io" : host
  }

  package var description: String {
    switch manifest {
    case .tag(let tag): "\(host)/\(repository):\(tag)"
    case .digest(let digest): "\(host)/\(repository)@\(digest)"
    }
  }
}
