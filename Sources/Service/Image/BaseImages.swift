import Builder
import Diagnostics
import OCI
import Registry
import Remote
import Storage

/// Credentials for other registries that somebody brings along.
package struct ShownCredentials: Sendable {
  /// What they are called; pulls with others are not theirs.
  package var name: String
  package var credentials: RegistryCredentials

  package init(name: String, credentials: RegistryCredentials) {
    self.name = name
    self.credentials = credentials
  }
}

/// What `FROM` means: an image that is here, else one of another registry, fetched and kept for the organisation.
///
/// A pulled image lies in the organisation's own repository `ORG/<registry>/<name>` and is nobody else's: another
/// organisation fetches it with its own credentials. A digest is fetched once; a tag is looked up again when
/// `RemoteSettings.tagLife` is over, and what is here serves when nobody answers.
package struct BaseImages: BaseImageSource {
  private let local: LocalImages
  private let registry: ImageRegistry
  private let remote: RemoteImages
  private let data: DataDirectory
  private let tagLife: Duration
  private let pulls = JointPulls()
  /// What an organisation shows other registries.
  private let credentials: @Sendable (OrganizationName) throws(Failure) -> RegistryCredentials

  package init(
    local: LocalImages, registry: ImageRegistry, remote: RemoteImages, data: DataDirectory, tagLife: Duration,
    credentials: @escaping @Sendable (OrganizationName) throws(Failure) -> RegistryCredentials
  ) {
    self.local = local
    self.registry = registry
    self.remote = remote
    self.data = data
    self.tagLife = tagLife
    self.credentials = credentials
  }

  /// The credentials that organisations saved. `docker` is the configuration of whoever runs the server, and serves
  /// `owner` alone.
  package static func savedCredentials(
    in data: DataDirectory, docker: DockerConfig?, owner: OrganizationName
  ) -> @Sendable (OrganizationName) throws(Failure) -> RegistryCredentials {
    { (organization) throws(Failure) in
      try RegistryCredentials(
        saved: try BuildSecretStore(data: data).registryCredentials(of: organization),
        docker: organization == owner ? docker : nil)
    }
  }

  package func image(
    _ text: String, platform: Platform, for organization: OrganizationName
  ) async throws(Failure) -> BaseImage {
    try await image(text, platform: platform, for: organization) { _ in }
  }

  package func image(
    _ text: String, platform: Platform, for organization: OrganizationName, watch: @escaping TransferMeter.Watch
  ) async throws(Failure) -> BaseImage {
    try await located(text, platform: platform, for: organization, shown: nil, watch: watch).image
  }

  /// The same with the repository of the embedded registry that it lies in now. `shown` is what its registry is shown in
  /// place of what the organisation saved for its builds.
  package func located(
    _ text: String, platform: Platform, for organization: OrganizationName, shown: ShownCredentials?,
    watch: @escaping TransferMeter.Watch
  ) async throws(Failure) -> (image: BaseImage, repository: Repository) {
    let reference = try Reference(text)
    let own = try local.repository(of: reference, for: organization)
    guard !local.isOwn(reference) else {
      return (try await local.image(text, platform: platform, for: organization), own)
    }
    let name = try RemoteName(reference)
    let pulled = try Repository("\(organization)/\(LocalImages.component(ofHost: name.host))/\(name.repository)")
    // A short name is the organisation's own image first: what it pushed or imported stands over Docker Hub's.
    if own != pulled, try isHere(reference.manifest, own) {
      return (try local.image(text, reference.manifest, in: own, platform: platform), own)
    }
    let credentials = if let shown { shown.credentials } else { try credentials(organization) }
    let kept = try kept(text, reference.manifest, pulled, platform)
    if let kept, try await isCurrent(name, pulled, credentials) { return (kept, pulled) }
    let one = JointPulls.Name(
      organization: organization, image: "\(name)", platform: platform, credentials: shown?.name)
    var image = try await pulls.join(one, watch: watch) { [self] (watch) async throws(Failure) in
      let meter = TransferMeter(.pull, text, watch: watch)
      return try await pull(text, name, to: pulled, platform, organization, credentials, shown?.name, meter)
    }
    // The other build may have written the name in another way.
    image.reference = text
    return (image, pulled)
  }

  /// An image that was located before; nil when it is not here any more.
  package func here(
    _ image: AppImage, platform: Platform
  ) throws(Failure) -> BaseImage? {
    try kept(image.reference, .digest(image.digest), image.repository, platform)
  }

  private func isHere(_ manifest: ManifestReference, _ repository: Repository) throws(Failure) -> Bool {
    do throws(Failure) {
      _ = try registry.manifest(manifest, in: repository)
      return true
    } catch {
      guard error.reason == "manifest-unknown" else { throw error }
      return false
    }
  }

  /// Nil when it was not fetched yet, or for other platforms only.
  private func kept(
    _ text: String, _ manifest: ManifestReference, _ repository: Repository, _ platform: Platform
  ) throws(Failure) -> BaseImage? {
    do throws(Failure) {
      return try local.image(text, manifest, in: repository, platform: platform)
    } catch {
      guard error.reason == "base-image-unknown" || error.reason == "base-image-platform" else { throw error }
      return nil
    }
  }

  /// Whether what is here under the name still is what the name stands for, as far as anybody can tell.
  private func isCurrent(
    _ name: RemoteName, _ repository: Repository, _ credentials: RegistryCredentials
  ) async throws(Failure) -> Bool {
    guard case .tag(let tag) = name.manifest, let memory = try data.ledger.pulledTag(tag, in: repository) else {
      return true
    }
    let now = data.clock.now()
    // Pushed or imported since: that is meant.
    guard try registry.manifest(name.manifest, in: repository).digest == memory.digest else { return true }
    let life = Int64(tagLife / .milliseconds(1))
    if (memory.askedAt.milliseconds...memory.askedAt.milliseconds + life).contains(now.milliseconds) { return true }
    do throws(Failure) {
      guard try await remote.currentDigest(of: name, credentials: credentials) == memory.digest else {
        return false
      }
    } catch {
      // Nobody there to ask; a registry that answers with a refusal is heard.
      guard error.reason.hasPrefix("outbound-") || error.reason == "registry-rate-limited" else { throw error }
      return true
    }
    try data.ledger.save(PulledTag(repository: repository, tag: tag, digest: memory.digest, askedAt: now))
    return true
  }

  private func pull(
    _ text: String, _ name: RemoteName, to repository: Repository, _ platform: Platform,
    _ organization: OrganizationName, _ credentials: RegistryCredentials, _ slot: String?, _ meter: TransferMeter
  ) async throws(Failure) -> BaseImage {
    let (ledger, blobs) = (data.ledger, data.blobs)
    let hold = blobs.leases.hold()
    defer { hold.release() }
    let image: PulledImage
    do throws(Failure) {
      image = try await remote.pull(name, platform: platform, credentials: credentials, meter: meter) { digest in
        // Nobody may have a blob by naming it: it must come to this organisation, or be its own already.
        blobs.keep(digest) && ((try? ledger.hasBlob(digest, inAnyRepositoryOf: organization.name)) ?? false)
      }
    } catch {
      throw Self.advised(error, text, name, slot)
    }
    try keep(image, in: repository)
    meter.finish()
    return try local.image(text, .digest(image.manifest.digest), in: repository, platform: platform)
  }

  /// The blobs first, then the manifests, and the tag last.
  private func keep(_ image: PulledImage, in repository: Repository) throws(Failure) {
    try data.blobs.makeDurable(image.blobs)
    for digest in image.blobs { try data.ledger.linkBlob(digest, to: repository, at: data.clock.now()) }
    let manifest = image.manifest
    try registry.putManifest(
      manifest.bytes, mediaType: manifest.mediaType, as: .digest(manifest.digest), in: repository)
    if let index = image.index {
      try registry.putManifest(index.bytes, mediaType: index.mediaType, as: .digest(index.digest), in: repository)
    }
    try data.ledger.savePulled([manifest.digest] + (image.index.map { [$0.digest] } ?? []), in: repository)
    guard case .tag(let tag) = image.name.manifest else { return }
    let top = image.index ?? manifest
    // A digest of another algorithm cannot be a tag's here; the next build asks again.
    guard top.digest.algorithm == .sha256 else { return }
    try registry.putManifest(top.bytes, mediaType: top.mediaType, as: .tag(tag), in: repository)
    try data.ledger.save(
      PulledTag(repository: repository, tag: tag, digest: top.digest, askedAt: data.clock.now()))
  }

  /// Says what to do for an image that is neither here nor to be had.
  private static func advised(_ failure: Failure, _ text: String, _ name: RemoteName, _ slot: String?) -> Failure {
    var failure = failure
    switch failure.reason {
    case "image-unknown":
      failure.reason = "base-image-unknown"
      failure.hint = "check the name, or import it with: kindling image import \(text) FILE-or-DIR"
    case "registry-auth-required", "registry-auth-refused", "registry-denied":
      failure.hint =
        slot.map { "check the image's name, or what the secret '\($0)' holds for '\(name.host)'" }
        ?? "save registry_credentials for '\(name.host)' with SaveBuildSecrets, or check the name"
    case let reason where reason.hasPrefix("outbound-"):
      failure.message = "base image '\(text)' is not here and cannot be fetched: " + failure.message
      failure.hint =
        "import it with: kindling image import \(text) FILE-or-DIR" + (failure.hint.map { "; or " + $0 } ?? "")
    default: break
    }
    return failure
  }
}
