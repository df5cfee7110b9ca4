import Builder
import Diagnostics
import OCI
import Registry
import Storage

/// The images an organisation has here: what `FROM` means, and where an import lands.
///
/// Docker Hub's short names (`busybox`, `docker.io/library/busybox`) are one local repository, `ORG/busybox`; an image
/// of another registry keeps that registry as a path, `ORG/ghcr.io/acme/base`.
package struct LocalImages: BaseImageSource {
  private let registry: ImageRegistry
  /// Host names (with ports) under which this server is its own registry.
  private let ownHosts: @Sendable () -> Set<String>

  package init(registry: ImageRegistry, ownHosts: @escaping @Sendable () -> Set<String>) {
    self.registry = registry
    self.ownHosts = ownHosts
  }

  /// The repository of `organization` that `reference` stands for.
  package func repository(
    of reference: Reference, for organization: OrganizationName
  ) throws(Failure) -> Repository {
    try Self.repository(of: reference, for: organization, ownHosts: ownHosts())
  }

  /// The same for a server that is reached under `ownHosts`.
  package static func repository(
    of reference: Reference, for organization: OrganizationName, ownHosts: Set<String>
  ) throws(Failure) -> Repository {
    var host = reference.registry
    var path = reference.repository.name
    if let named = host, ownHosts.contains(named) { host = nil }
    if host == "docker.io" || host == "index.docker.io" { host = nil }
    if host == nil, path.hasPrefix("library/") { path.removeFirst("library/".count) }
    if let host { return try Repository("\(organization)/\(component(ofHost: host))/\(path)") }
    if path.hasPrefix("\(organization)/") { return try Repository(path) }
    return try Repository("\(organization)/\(path)")
  }

  /// A registry's host as a component of a repository: `host:port` as `host-port`, `[a::1]:port` as `ipv6-a--1.port`.
  static func component(ofHost host: String) -> String {
    guard host.hasPrefix("["), let close = host.firstIndex(of: "]") else { return host.replacing(":", with: "-") }
    let address = host[..<close].dropFirst().lowercased().replacing(":", with: "-")
    let port = host[close...].dropFirst(2)
    // A component ends with a letter or a digit.
    return "ipv6-\(address)\(address.hasSuffix("-") ? "0" : "")" + (port.isEmpty ? "" : ".\(port)")
  }

  /// Whether the reference names this server.
  func isOwn(_ reference: Reference) -> Bool { reference.registry.map { ownHosts().contains($0) } ?? false }

  package func image(
    _ text: String, platform: Platform, for organization: OrganizationName
  ) async throws(Failure) -> BaseImage {
    let reference = try Reference(text)
    let repository = try repository(of: reference, for: organization)
    return try image(text, reference.manifest, in: repository, platform: platform)
  }

  /// The image of a repository, called `text`; throws `base-image-unknown` and `base-image-platform`.
  func image(
    _ text: String, _ manifest: ManifestReference, in repository: Repository, platform: Platform
  ) throws(Failure) -> BaseImage {
    do throws(Failure) {
      var stored = try registry.manifest(manifest, in: repository)
      registry.used(stored)
      if stored.mediaType.isIndex {
        let index = try decode(Index.self, stored.bytes, of: text)
        guard let chosen = index.manifest(for: platform) else {
          throw Failure(
            .notFound, reason: "base-image-platform", "image '\(text)' has no variant for \(platform)",
            hint: "it has: " + index.manifests.compactMap { $0.platform?.description }.joined(separator: ", "))
        }
        stored = try registry.manifest(.digest(chosen.digest), in: repository)
        registry.used(stored)
      }
      let manifest = try decode(Manifest.self, stored.bytes, of: text)
      // A manifest may name layers its pusher never had, of foreign types: those are not to be read through it.
      for layer in manifest.layers where try registry.size(of: layer.digest, in: repository).bytes != layer.size {
        throw Failure(
          .failedPrecondition, reason: "base-image-broken",
          "layer '\(layer.digest)' of image '\(text)' does not have the \(layer.size) bytes its manifest says",
          hint: "import or push the image again")
      }
      let config = try registry.bytes(of: manifest.config.digest, in: repository, limit: .mebibytes(8))
      return BaseImage(
        reference: text, manifest: stored.digest, mediaType: stored.mediaType,
        config: try decode(ImageConfig.self, config, of: text),
        layers: manifest.layers)
    } catch {
      guard error.code == .notFound, error.reason != "base-image-platform" else { throw error }
      throw Failure(
        .notFound, reason: "base-image-unknown", "base image '\(text)' is not in the local registry",
        hint: "import it with: kindling image import \(text) FILE-or-DIR, or push it to ORG/NAME here",
        cause: error.message)
    }
  }

  private func decode<Value: Decodable>(
    _ type: Value.Type, _ bytes: [UInt8], of reference: String
  ) throws(Failure) -> Value {
    do { return try CanonicalJSON.decode(type, from: bytes) } catch {
      throw Failure(
        .failedPrecondition, reason: "base-image-broken", "image '\(reference)' cannot be read",
        hint: "import or push it again", cause: String(describing: error))
    }
  }
}
