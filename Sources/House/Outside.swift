import Git
import Outbound
import Registry
import Remote
import Service
import Storage
import SystemPackage

/// What builds get from servers elsewhere, over the one client that all of it shares.
struct Outside: Sendable {
  private let client: OutboundClient
  private let store: GitStore
  /// What FROM means.
  let bases: BaseImages
  /// What ADD fetches by URL, and from git.
  let files: OutboundFiles
  let trees: GitTrees
  /// Where builds from git come from.
  let git: GitSources
  /// Nil unless `--push-external`.
  let push: ExternalPush?

  /// `owner` is the organisation of whoever started the server.
  init(
    _ settings: HouseSettings, data: DataDirectory, registry: ImageRegistry, images: LocalImages,
    bound: BoundAddresses, owner: OrganizationName
  ) throws {
    client = OutboundClient(policy: settings.outboundPolicy, environment: settings.environment)
    let remote = RemoteImages(client: client, settings: settings.remote, blobs: data.blobs)
    let credentials = BaseImages.savedCredentials(in: data, docker: try settings.dockerConfig, owner: owner)
    bases = BaseImages(
      local: images, registry: registry, remote: remote, data: data, tagLife: settings.remote.tagLife,
      credentials: credentials)
    push =
      settings.pushesExternally
      ? ExternalPush(registry: registry, remote: remote, ownHosts: { bound.names }, credentials: credentials) : nil
    files = OutboundFiles(client: client, kept: KeptFiles(folder: data.path(.cache).appending("urls")))
    store = try GitStore(folder: data.path(.git), budget: settings.gitCache)
    let fetcher = GitFetcher(
      store: store, client: client, limits: settings.gitLimits, environment: settings.environment)
    trees = GitTrees(fetcher: fetcher, rules: settings.gitRules)
    git = GitSources(data: data, fetcher: fetcher, rules: settings.gitRules)
  }

  /// Ends every connection, and leaves the git store with the mark of a clean stop, without which the next start merely
  /// fetches anew.
  func close() async {
    await client.shutdown()
    try? store.close()
  }
}
