import Builder
import Diagnostics
import Git
import OCI
import Outbound
import Registry
import Remote
import Service
import Storage
import SystemPackage

/// Other machines as the executor reaches them: registries, git servers and the files that ADD names.
///
/// Its data directory is no registry of anybody's: a name always means the registry it names, and what was pulled is
/// kept for the next build with `--cache`.
struct ExecutorRemote: Sendable {
  private let settings: ExecutorSettings
  private let environment: [String: String]
  private let data: DataDirectory
  private let client: OutboundClient
  private let credentials: RegistryCredentials

  /// Throws `docker-config-invalid`.
  init(_ settings: ExecutorSettings, environment: [String: String], data: DataDirectory) throws(Failure) {
    self.settings = settings
    self.environment = environment
    self.data = data
    client = OutboundClient(policy: settings.registries.policy, environment: environment)
    credentials = try RegistryCredentials(saved: [:], docker: try DockerConfig.find(environment: environment))
  }

  /// Closes the connections.
  func shutdown() async { await client.shutdown() }

  /// Where FROM and `--from` find images.
  var bases: any BaseImageSource {
    let registry = ImageRegistry(data: data)
    let credentials = self.credentials
    let pulls = settings.registries.pulls
    return BaseImages(
      local: LocalImages(registry: registry, ownHosts: { [] }), registry: registry,
      remote: RemoteImages(client: client, settings: pulls, blobs: data.blobs), data: data, tagLife: .zero,
      credentials: { (_) throws(Failure) in credentials })
  }

  /// Where ADD finds files behind URLs.
  var files: any RemoteFiles {
    OutboundFiles(
      client: client, kept: KeptFiles(folder: data.path(.cache).appending("urls")))
  }

  /// Sends the image, first its blobs and then its manifest under the destination's name.
  func push(_ image: ExecutorImage, to destination: ImageDestination) async throws(Failure) {
    // A manifest names these by their digests: they must be in the store with the layers.
    _ = try data.blobs.put(image.configBytes, durably: false)
    var reference = destination.reference
    reference.tag = destination.tag
    let name = try RemoteName(reference)
    let remote = RemoteImages(client: client, settings: settings.registries.pushes, blobs: data.blobs)
    let manifest = RemoteManifest(digest: image.digest, mediaType: image.manifestType, bytes: image.manifestBytes)
    do throws(Failure) {
      try await remote.push(
        PushableImage(manifest: manifest, blobs: [image.config] + image.layers), to: [name], credentials: credentials)
    } catch {
      guard settings.ignoresImmutableTags, Self.isImmutable(error) else { throw error }
    }
  }

  /// Registries word it differently; all of them say the tag cannot be changed.
  private static func isImmutable(_ failure: Failure) -> Bool {
    let said = (failure.message + " " + (failure.cause ?? "")).lowercased()
    return said.contains("immutable")
  }

  /// The commit that a git context means; the caller releases its lease when the build is over.
  func tree(_ text: String, note: @escaping @Sendable (String) -> Void) async throws(Failure) -> FetchedTree {
    let address = try GitAddress(
      parsing: text, userinfo: .allowed, pullMethod: try GitEnvironment.pullMethod(environment))
    let sub = settings.contextSubPath
    let named = address.commit?.hex ?? address.reference
    let order = GitTreeOrder(
      address: address, reference: named ?? settings.git.reference ?? "",
      directory: sub.isEmpty ? address.subdirectory ?? "" : sub,
      credentials: address.credentials ?? GitEnvironment.credentials(environment), scope: "executor",
      includesSubmodules: settings.git.includesSubmodules || address.includesSubmodules == true,
      keepsGitDirectory: address.keepsGitDirectory == true,
      // Kaniko: keys and folders are those of whoever gives the command.
      transports: GitAddress.Transport.every)
    let fetcher = GitFetcher(
      store: try GitStore(folder: data.path(.git)), client: client, limits: settings.git.limits,
      environment: environment)
    let meter = TransferMeter(.fetch, address.display) { note($0.text) }
    let tree = try await fetcher.tree(order) { (progress) in
      if progress.remote == nil { meter.reach(progress.bytes.bytes) }
    }
    meter.finish()
    note("git \(address.url) \(tree.reference) → \(tree.commit.hex)")
    for text in tree.notes { note(text) }
    return tree
  }
}
