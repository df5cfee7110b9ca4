import Builder
import Diagnostics
import Foundation
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
  private let fetcher: GitFetcher

  /// Throws `docker-config-invalid`.
  init(_ settings: ExecutorSettings, environment: [String: String], data: DataDirectory) throws(Failure) {
    self.settings = settings
    self.environment = environment
    self.data = data
    client = OutboundClient(policy: settings.registries.policy, environment: environment)
    credentials = try RegistryCredentials(saved: [:], docker: try DockerConfig.find(environment: environment))
    fetcher = GitFetcher(
      store: try GitStore(folder: data.path(.git)), client: client, limits: settings.git.limits,
      environment: environment)
  }

  /// Closes the connections.
  func shutdown() async { await client.shutdown() }

  /// Where FROM and `--from` find images.
  var bases: any BaseImageSource {
    let registry = ImageRegistry(data: data)
    let credentials = self.credentials
    let pulls = settings.registries.pulls
    let images = BaseImages(
      local: LocalImages(registry: registry, ownHosts: { [] }), registry: registry,
      remote: RemoteImages(client: client, settings: pulls, blobs: data.blobs), data: data, tagLife: .zero,
      credentials: { (_) throws(Failure) in credentials })
    return LayoutImages(settings.namedContexts.layouts, blobs: data.blobs, next: images)
  }

  /// Where ADD and named contexts find repositories.
  var trees: any RemoteTrees {
    ExecutorTrees(named: settings.namedContexts.repositories, added: GitTrees(fetcher: fetcher, rules: GitRules())) {
      (text, watch) async throws(Failure) in
      var order = try order(for: text)
      // BuildKit: as ADD does, the remote's own HEAD, and submodules unless the address says otherwise.
      if order.reference.isEmpty { order.reference = "HEAD" }
      order.includesSubmodules = order.address.includesSubmodules ?? true
      return try await tree(order, watch)
    }
  }

  /// Where ADD finds files behind URLs.
  var files: any RemoteFiles {
    OutboundFiles(
      client: client, kept: KeptFiles(folder: data.path(.cache).appending("urls")))
  }

  /// The steps that are shared with other machines; nil when none are.
  func sharedCache(_ log: ExecutorLog) throws(Failure) -> SharedCache? {
    guard let place = try settings.sharedCachePlace() else { return nil }
    return SharedCache(
      repository(at: place), place: place, choices: settings.cache, platform: settings.platform, clock: data.clock,
      log: log)
  }

  private func repository(at place: CacheChoices.Place) -> any CacheRepository {
    switch place {
    case .layout(let folder):
      return LayoutCache(folder: folder, blobs: data.blobs, mark: UUID().uuidString.lowercased())
    case .repository(let host, let repository):
      var reach = settings.registries.pushes
      // Nobody waits long for what can be made again.
      reach.attempts = max(2, settings.registries.pushRetries + 1)
      let images = RemoteImages(client: client, settings: reach, blobs: data.blobs)
      return RegistryCache(
        RemoteRepository(images, host: host, repository: repository, credentials: credentials),
        name: "\(host)/\(repository)", blobs: data.blobs)
    }
  }

  /// Sends the image, first its blobs and then its manifest under the destination's name. What the same registry has in
  /// the shared cache `beside` is taken from there.
  func push(
    _ image: ExecutorImage, to destination: ImageDestination, beside place: CacheChoices.Place?
  ) async throws(Failure) {
    // A manifest names these by their digests: they must be in the store with the layers.
    _ = try data.blobs.put(image.configBytes, durably: false)
    var reference = destination.reference
    reference.tag = destination.tag
    let name = try RemoteName(reference)
    let remote = RemoteImages(client: client, settings: settings.registries.pushes, blobs: data.blobs)
    let manifest = RemoteManifest(digest: image.digest, mediaType: image.manifestType, bytes: image.manifestBytes)
    var source: Repository?
    if case .repository(name.host, let repository) = place { source = repository }
    do throws(Failure) {
      try await remote.push(
        PushableImage(manifest: manifest, blobs: [image.config] + image.layers, likelySource: source), to: [name],
        credentials: credentials)
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
    var order = try order(for: text)
    if order.reference.isEmpty { order.reference = settings.git.reference ?? "" }
    if !settings.contextSubPath.isEmpty { order.directory = settings.contextSubPath }
    let tree = try await tree(order) { note($0.text) }
    note("git \(order.address.url) \(tree.reference) → \(tree.commit.hex)")
    for text in tree.notes { note(text) }
    return tree
  }

  private func tree(
    _ order: GitTreeOrder, _ watch: @escaping TransferMeter.Watch
  ) async throws(Failure) -> FetchedTree {
    let meter = TransferMeter(.fetch, order.address.display, watch: watch)
    defer { meter.finish() }
    return try await fetcher.tree(order) { (progress) in
      if progress.remote == nil { meter.reach(progress.bytes.bytes) }
    }
  }

  /// A repository that the command line names.
  private func order(for text: String) throws(Failure) -> GitTreeOrder {
    let address = try GitAddress(
      parsing: text, userinfo: .allowed, pullMethod: try GitEnvironment.pullMethod(environment))
    return GitTreeOrder(
      address: address, reference: address.commit?.hex ?? address.reference ?? "",
      directory: address.subdirectory ?? "",
      credentials: address.credentials ?? GitEnvironment.credentials(environment), scope: "executor",
      includesSubmodules: settings.git.includesSubmodules || address.includesSubmodules == true,
      keepsGitDirectory: address.keepsGitDirectory == true,
      // Kaniko: keys and folders are those of whoever gives the command.
      transports: GitAddress.Transport.every)
  }
}
