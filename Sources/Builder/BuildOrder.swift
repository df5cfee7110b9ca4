import Archive
import Diagnostics
import OCI
import Storage
import SystemPackage

/// Everything one build is made from; nothing else in the process influences it.
package struct BuildOrder: Sendable {
  /// A name for the build's own folder of temporary files.
  package var workName: String
  /// Where the context comes from.
  package enum Source: Sendable {
    /// An archive: tar (plain or compressed) or zip.
    case archive(FilePath)
    /// Files whose contents lie ready, as those of a git commit do; whoever made it keeps them there during the build.
    case tree(ArchiveIndex)
    /// A directory of this machine, read where it is; a file that changes while it is read fails the build.
    case directory(FilePath)
  }
  package var source: Source
  /// Path of the Dockerfile, relative to the context's root.
  package var dockerfile: String
  package var buildArgs: [String: String]
  /// The stage to build; nil is the last one.
  package var target: String?
  package var platform: Platform
  /// No step is taken from the cache.
  package var noCache: Bool
  /// How old a cached layer of this machine may be; nil is any age.
  package var cacheLife: Duration?
  /// Whose cache and base images may be used.
  package var organization: OrganizationName
  /// By name, in any case of letters.
  package var namedContexts: [String: NamedContext] = [:]
  /// What `RUN --mount=type=secret` can ask for, by id. In no layer, no cache key and no log.
  package var secrets: [String: SecretValue] = [:]
  /// What an ARG of the name is given where the request has no argument for it (contract §1.1): never in the image's
  /// history, in what the build says, or as it is in a cache key.
  package var secretArguments: [String: SecretValue] = [:]
  /// Hears which of those the Dockerfile declares, once the plan is made.
  package var onSecretArguments: (@Sendable ([String]) throws(Failure) -> Void)?
  /// What else must not be read in anything the build says, such as what other registries are shown.
  package var hidden: [SecretValue] = []
  /// Sockets of ssh agents on this machine that `RUN --mount=type=ssh` can ask for, by id; the usual one is `default`.
  package var agents: [String: FilePath] = [:]
  /// Whether `RUN --security=insecure` may have every capability of this server.
  package var allowsInsecure = false
  /// The directory of the context that is its root; empty is the context's own.
  package var contextSubPath = ""
  /// A Dockerfile outside the context, on this machine; `dockerfile` is then only its name in messages.
  package var hostDockerfile: FilePath?
  /// What a context is built with that has no Dockerfile; nil is not at all, and the build fails.
  package var starter: StarterChoice?
  /// What builds of the same thing are called, so that a step's inputs can be compared with those of the last one.
  package var buildName: String?
  /// How the layers this build makes are written.
  package var layerFormat = LayerFormat()
  /// Whether all steps of the last stage make one layer together.
  package var singleSnapshot = false

  package init(
    workName: String, source: Source, dockerfile: String, buildArgs: [String: String], target: String? = nil,
    platform: Platform, noCache: Bool, organization: OrganizationName
  ) {
    self.workName = workName
    self.source = source
    self.dockerfile = dockerfile
    self.buildArgs = buildArgs
    self.target = target
    self.platform = platform
    self.noCache = noCache
    self.organization = organization
  }
}

extension BuildOrder {
  /// What hides this build's secrets.
  package var mask: SecretMask { SecretMask(Array(secrets.values) + Array(secretArguments.values) + hidden) }

  /// What an ARG of the name is given from outside; the request's own argument wins.
  func given(_ name: String) -> (value: String, isSecret: Bool)? {
    if let value = buildArgs[name] { return (value, false) }
    return secretArguments[name]?.text.map { ($0, true) }
  }
}

/// A finished image whose layers are already blobs; only config, manifest and tags are still to be written.
package struct BuiltImage: Sendable {
  /// Canonical JSON of the image configuration.
  package var config: [UInt8]
  /// Lowest first.
  package var layers: [Descriptor]
  package var cachedSteps: Int
  /// The manifest's type of the image that the last stage stands on; nil when it began from nothing.
  package var baseType: MediaType?

  package init(config: [UInt8], layers: [Descriptor], cachedSteps: Int, baseType: MediaType?) {
    self.config = config
    self.layers = layers
    self.cachedSteps = cachedSteps
    self.baseType = baseType
  }
}

/// An image that stages begin from or copy from.
package struct BaseImage: Sendable, Hashable {
  /// As the Dockerfile names it, arguments expanded.
  package var reference: String
  package var manifest: Digest
  /// What kind of manifest that is: OCI's or docker's.
  package var mediaType: MediaType
  package var config: ImageConfig
  /// Lowest first; their blobs are in the store.
  package var layers: [Descriptor]

  package init(
    reference: String, manifest: Digest, mediaType: MediaType, config: ImageConfig, layers: [Descriptor]
  ) {
    self.reference = reference
    self.manifest = manifest
    self.mediaType = mediaType
    self.config = config
    self.layers = layers
  }
}

extension BaseImage {
  /// Its layers with their diff ids, lowest first. Throws `base-image-broken` where those don't match.
  var layerRecords: [LayerRecord] {
    get throws(Failure) {
      let diffIDs = config.rootfs.diffIDs
      guard diffIDs.count == layers.count else {
        throw Failure(
          .failedPrecondition, reason: "base-image-broken",
          "image '\(reference)' has \(layers.count) layers and \(diffIDs.count) diff ids",
          hint: "import or push the image again")
      }
      return zip(layers, diffIDs).map { descriptor, diffID in
        LayerRecord(
          digest: descriptor.digest, diffID: diffID, size: ByteCount(descriptor.size), mediaType: descriptor.mediaType)
      }
    }
  }
}

/// Where base images come from.
package protocol BaseImageSource: Sendable {
  /// The image `reference` means for a build of `organization` on `platform`; throws `base-image-unknown`.
  func image(
    _ reference: String, platform: Platform, for organization: OrganizationName
  ) async throws(Failure) -> BaseImage

  /// The same, telling `watch` what has to come over the network.
  func image(
    _ reference: String, platform: Platform, for organization: OrganizationName, watch: @escaping TransferMeter.Watch
  ) async throws(Failure) -> BaseImage
}

extension BaseImageSource {
  package func image(
    _ reference: String, platform: Platform, for organization: OrganizationName, watch: @escaping TransferMeter.Watch
  ) async throws(Failure) -> BaseImage {
    try await image(reference, platform: platform, for: organization)
  }
}
