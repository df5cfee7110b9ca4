import Diagnostics
import OCI
import Registry
import Remote
import Storage

/// Sends finished images to where their builds ask for them (`registry` and `repository` of CreateBuild):
/// `--push-external`. The image is in the local registry before, and stays there whatever happens.
package struct ExternalPush: Sendable {
  private let registry: ImageRegistry
  private let remote: RemoteImages
  /// Host names (with ports) under which this server is its own registry.
  private let ownHosts: @Sendable () -> Set<String>
  /// What an organisation shows other registries.
  private let credentials: @Sendable (OrganizationName) throws(Failure) -> RegistryCredentials

  package init(
    registry: ImageRegistry, remote: RemoteImages, ownHosts: @escaping @Sendable () -> Set<String>,
    credentials: @escaping @Sendable (OrganizationName) throws(Failure) -> RegistryCredentials
  ) {
    self.registry = registry
    self.remote = remote
    self.ownHosts = ownHosts
    self.credentials = credentials
  }

  /// Where a build's image goes besides this server's registry, one name for each tag; empty when it names no other
  /// registry. Without a repository it is the build's own, `ORGANISATION/NAME`. Throws for what names none.
  func targets(of record: BuildRecord) throws(Failure) -> [RemoteName] {
    guard !record.registry.isEmpty else { return [] }
    let host = RemoteName.canonical(host: record.registry)
    guard !ownHosts().contains(host) else { return [] }
    let repository = try Repository(
      record.repository.isEmpty ? "\(record.organization)/\(record.name)" : record.repository)
    var names: [RemoteName] = []
    for tag in record.tags { names.append(try RemoteName(Reference(registry: host, repository: repository, tag: tag))) }
    return names
  }

  /// Pushes the image under each of the build's tags; the references it has there, none when the build names no other
  /// registry. Throws what `RemoteImages.push` throws, with a word on where the image is meanwhile.
  func push(
    _ digest: Digest, in repository: Repository, for record: BuildRecord
  ) async throws(Failure) -> [String] {
    let names = try targets(of: record)
    guard let host = names.first?.host else { return [] }
    let stored = try registry.manifest(.digest(digest), in: repository)
    let manifest: Manifest
    do { manifest = try CanonicalJSON.decode(Manifest.self, from: stored.bytes) } catch {
      throw Failure(wrapping: error, while: "reading the manifest to push")
    }
    let image = PushableImage(
      manifest: RemoteManifest(digest: stored.digest, mediaType: stored.mediaType, bytes: stored.bytes),
      blobs: [manifest.config] + manifest.layers)
    do throws(Failure) {
      try await remote.push(image, to: names, credentials: credentials(record.organization))
    } catch {
      guard error.code != .cancelled else { throw error }
      var failure = error
      failure.message = "the image was built and could not be pushed to '\(host)': " + failure.message
      failure.hint =
        (failure.hint.map { $0 + "; " } ?? "") + "it is in the local registry as '\(repository)@\(stored.digest)'"
      throw failure
    }
    return names.map(\.description)
  }
}
