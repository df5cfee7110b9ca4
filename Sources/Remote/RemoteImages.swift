import Diagnostics
import OCI
import Outbound
import Storage

/// An image that was fetched: its blobs are in the blob store, not yet durable and not yet in anybody's repository.
package struct PulledImage: Sendable, Hashable {
  package var name: RemoteName
  /// Where it was chosen from, when the name stands for several platforms.
  package var index: RemoteManifest?
  package var manifest: RemoteManifest
  package var config: Descriptor
  /// Lowest first.
  package var layers: [Descriptor]

  /// Config and layers, each once.
  package var blobs: [Digest] {
    var seen: Set<Digest> = []
    return ([config] + layers).map(\.digest).filter { seen.insert($0).inserted }
  }
}

/// Images of other registries, by the OCI distribution specification.
///
/// Mirrors are asked first; logins, retries, resumed transfers and the checks of digest and size are done here. What an
/// organisation may see of what was fetched is the caller's business.
package struct RemoteImages: Sendable {
  package typealias Sleep = @Sendable (Duration) async throws(CancellationError) -> Void

  let client: OutboundClient
  let settings: RemoteSettings
  let blobs: BlobStore
  let tokens: RegistryTokens
  let bases: RegistryBases
  let sleep: Sleep

  package init(
    client: OutboundClient, settings: RemoteSettings, blobs: BlobStore, sleep: @escaping Sleep = RemoteImages.wait
  ) {
    self.client = client
    self.settings = settings
    self.blobs = blobs
    self.sleep = sleep
    tokens = RegistryTokens(client: client)
    bases = RegistryBases(client: client)
  }

  /// Waits in real time.
  package static let wait: Sleep = { (pause) async throws(CancellationError) in
    do { try await Task.sleep(for: pause) } catch { throw CancellationError() }
  }

  /// The digest a name stands for now; nil when no registry says. Throws `image-unknown` and its like.
  package func currentDigest(
    of name: RemoteName, credentials: RegistryCredentials
  ) async throws(Failure) -> Digest? {
    try await withPlaces(of: name, credentials) { (session) async throws(Failure) -> Digest? in
      try await session.currentDigest(name.manifest, what: "image '\(name)'")
    }
  }

  /// Fetches an image for a platform.
  ///
  /// `isHere` tells the blobs that need not be sent again, because whoever asks may see them already. Throws
  /// `image-unknown` with every place that was asked, `base-image-platform`, `base-image-unusable`, `foreign-layer`,
  /// `registry-…`, `digest-invalid`, `size-invalid`, `outbound-…`, `cancelled`.
  package func pull(
    _ name: RemoteName, platform: Platform, credentials: RegistryCredentials, meter: TransferMeter? = nil,
    isHere: @escaping @Sendable (Digest) -> Bool
  ) async throws(Failure) -> PulledImage {
    try await withPlaces(of: name, credentials) { (session) async throws(Failure) -> PulledImage in
      try await pull(name, platform: platform, over: session, meter, isHere: isHere)
    }
  }

  private func pull(
    _ name: RemoteName, platform: Platform, over session: RegistrySession, _ meter: TransferMeter?,
    isHere: @escaping @Sendable (Digest) -> Bool
  ) async throws(Failure) -> PulledImage {
    let what = "image '\(name)'"
    var manifest = try await session.manifest(name.manifest, what: what)
    var index: RemoteManifest?
    var depth = 0
    while manifest.mediaType.isIndex {
      let document = try decode(Index.self, manifest.bytes, what)
      guard depth < 4, let chosen = document.manifest(for: platform) else {
        throw Failure(
          .notFound, reason: "base-image-platform", "\(what) has no variant for \(platform)",
          hint: "it has: " + document.manifests.compactMap { $0.platform?.description }.joined(separator: ", "))
      }
      index = index ?? manifest
      manifest = try await session.manifest(.digest(chosen.digest), what: what)
      depth += 1
    }
    // Docker: an index inside an index is followed, and not remembered in between.
    let document = try decode(Manifest.self, manifest.bytes, what)
    try check(document, what)
    try await download([document.config] + document.layers, over: session, meter, isHere: isHere)
    return PulledImage(
      name: name, index: depth == 1 ? index : nil, manifest: manifest, config: document.config,
      layers: document.layers)
  }

  private func check(_ manifest: Manifest, _ what: String) throws(Failure) {
    guard [MediaType.ociConfig, .dockerConfig].contains(manifest.config.mediaType) else {
      throw Failure(
        .failedPrecondition, reason: "base-image-unusable",
        "\(what) is '\(manifest.artifactType ?? manifest.config.mediaType.rawValue)', not something to run")
    }
    for layer in manifest.layers {
      guard !layer.mediaType.isForeign else {
        throw Failure(
          .failedPrecondition, reason: "foreign-layer",
          "\(what) has a layer that registries do not hand on ('\(layer.mediaType)')",
          hint: "such layers are parts of Windows images; use a Linux one")
      }
      guard layer.mediaType.isLayer else {
        throw Failure(
          .failedPrecondition, reason: "base-image-unusable", "\(what) has a layer of the kind '\(layer.mediaType)'")
      }
    }
    guard manifest.config.size <= 8 << 20,
      manifest.layers.allSatisfy({ $0.size >= 0 && $0.size <= settings.layerLimit.bytes })
    else {
      throw Failure(
        .resourceExhausted, reason: "base-image-too-large",
        "\(what) has a layer larger than \(settings.layerLimit) or a configuration larger than 8 MB")
    }
  }

  private func download(
    _ descriptors: [Descriptor], over session: RegistrySession, _ meter: TransferMeter?,
    isHere: @escaping @Sendable (Digest) -> Bool
  ) async throws(Failure) {
    var seen: Set<Digest> = []
    let wanted = descriptors.filter { descriptor in
      guard seen.insert(descriptor.digest).inserted else { return false }
      return !(isHere(descriptor.digest) && self.blobs.size(of: descriptor.digest)?.bytes == descriptor.size)
    }
    meter?.expect(wanted.reduce(0) { $0 + $1.size })
    let blobs = blobs
    try await forEach(wanted, atOnce: settings.transfers) { (descriptor) async throws(Failure) in
      try await BlobDownload(session: session, blobs: blobs, descriptor: descriptor, meter: meter).run()
    }
  }

  private func decode<Value: Decodable>(
    _ type: Value.Type, _ bytes: [UInt8], _ what: String
  ) throws(Failure) -> Value {
    do { return try CanonicalJSON.decode(type, from: bytes) } catch {
      throw Failure(
        .failedPrecondition, reason: "base-image-broken", "\(what) cannot be read", cause: String(describing: error))
    }
  }
}

extension RemoteImages {
  /// Runs `body` with one place after the other until one succeeds. Cancellation and what is wrong with the image
  /// itself end the search; the last place's failure is thrown, with what the others said.
  func withPlaces<Value: Sendable>(
    of name: RemoteName, _ credentials: RegistryCredentials,
    _ body: (RegistrySession) async throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    var failures: [Failure] = []
    for endpoint in RegistryEndpoint.all(for: name.host, settings: settings) {
      do {
        return try await body(
          try await session(endpoint, name.repository, access: .pull, credentials: credentials))
      } catch {
        guard error.code != .cancelled, !Task.isCancelled else { throw error }
        failures.append(error)
      }
    }
    guard var last = failures.last else {
      throw Failure(
        .failedPrecondition, reason: "registry-no-place", "there is no place to ask for image '\(name)'")
    }
    let others = failures.dropLast().map(\.oneLine)
    if !others.isEmpty {
      last.cause = ([last.cause].compactMap(\.self) + others.map { "before that: " + $0 }).joined(separator: "\n")
    }
    throw last
  }

  func session(
    _ endpoint: RegistryEndpoint, _ repository: Repository, access: RegistrySession.Access,
    credentials: RegistryCredentials
  ) async throws(Failure) -> RegistrySession {
    RegistrySession(
      client: client, tokens: tokens, settings: settings, endpoint: endpoint,
      base: try await bases.base(of: endpoint), repository: repository, access: access,
      credential: try await credentials.credential(for: endpoint.credentialHost), sleep: sleep)
  }
}

/// Runs `body` for each value, some of them at once; the first failure cancels the others and is thrown.
func forEach<Value: Sendable>(
  _ values: [Value], atOnce: Int, _ body: @escaping @Sendable (Value) async throws(Failure) -> Void
) async throws(Failure) {
  let failure = await withTaskGroup(of: Failure?.self) { group -> Failure? in
    var rest = values[...]
    func begin() {
      guard let value = rest.popFirst() else { return }
      group.addTask {
        do throws(Failure) {
          try await body(value)
          return nil
        } catch { return error }
      }
    }
    for _ in 0..<max(1, atOnce) { begin() }
    var first: Failure?
    while let ended = await group.next() {
      if let ended, first == nil {
        first = ended
        group.cancelAll()
      }
      if first == nil { begin() }
    }
    return first
  }
  if let failure { throw failure }
}
