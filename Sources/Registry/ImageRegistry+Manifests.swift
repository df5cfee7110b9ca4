import Diagnostics
import OCI
import Storage

/// A manifest exactly as it was pushed.
package struct StoredManifest: Sendable, Hashable {
  package var digest: Digest
  package var mediaType: MediaType
  package var bytes: [UInt8]
}

/// What became of a manifest that was pushed.
package struct PushedManifest: Sendable, Hashable {
  package var digest: Digest
  /// What it is about.
  package var subject: Digest?
  /// What an index names and the repository has not.
  package var missing: [Digest]
}

extension ImageRegistry {
  /// What the specification asks a registry to take, and what clients expect of one.
  package static let manifestLimit = ByteCount.mebibytes(4)
  /// What earlier versions took.
  private static let storedLimit = ByteCount.mebibytes(8)

  /// The manifest a tag stands for or a digest names; throws `manifest-unknown`.
  package func manifest(
    _ reference: ManifestReference,
    in repository: Repository
  ) throws(Failure) -> StoredManifest {
    if let known = cache.manifest(reference, in: repository) { return known }
    let generation = cache.generation
    let row =
      switch reference {
      case .tag(let tag): try data.ledger.manifest(tag, in: repository)
      case .digest(let digest): try data.ledger.manifest(digest, in: repository)
      }
    guard let row else { throw Self.unknownManifest(reference, repository) }
    let bytes: [UInt8]
    if let known = cache.manifest(.digest(row.digest), in: repository) {
      bytes = known.bytes
    } else {
      guard data.blobs.contains(row.digest) else { throw Self.unknownManifest(reference, repository) }
      bytes = try data.blobs.bytes(of: row.digest, limit: Self.storedLimit)
    }
    let stored = StoredManifest(digest: row.digest, mediaType: row.mediaType, bytes: bytes)
    for name in [reference, .digest(row.digest)] {
      cache.remember(stored, as: name, in: repository, generation: generation)
    }
    return stored
  }

  /// Stores a manifest under a tag or its digest, bytes unchanged, and under more tags in the same moment.
  ///
  /// `mediaType` is what the client sent with it; nil leaves it to the document. Throws `manifest-invalid`,
  /// `digest-invalid` when `reference` is another digest, `manifest-blob-unknown` naming config or layer that is not
  /// in the repository, and `size-invalid`. An index's manifests and a subject may be absent.
  @discardableResult
  package func putManifest(
    _ bytes: [UInt8],
    mediaType: MediaType?,
    as reference: ManifestReference,
    in repository: Repository,
    tags more: [Tag] = []
  ) throws(Failure) -> PushedManifest {
    guard bytes.count <= Self.manifestLimit.bytes else {
      throw Failure(
        .resourceExhausted,
        reason: "size-invalid",
        "the manifest has \(bytes.count) bytes, more than 4 MiB",
        hint: "keep large content in layers"
      )
    }
    let shape = try ManifestShape(bytes, declared: mediaType)
    let digest = try Self.digest(of: bytes, as: reference)
    let tags: [Tag] = if case .tag(let tag) = reference { [tag] + more } else { more }
    // The ledger may know a blob whose file was found damaged: it has to come again.
    for blob in shape.blobs where !data.blobs.contains(blob) {
      throw Failure(
        .notFound, reason: "manifest-blob-unknown",
        "manifest names blob '\(blob)', which is not in repository '\(repository)'",
        hint: "push the blob before the manifest")
    }
    let hold = data.blobs.leases.hold()
    defer { hold.release() }
    try data.blobs.put(bytes, digest.algorithm)
    let row = ManifestRow(
      repository: repository,
      digest: digest,
      mediaType: shape.mediaType,
      artifactType: shape.artifactType,
      subject: shape.subject,
      size: ByteCount(Int64(bytes.count)),
      annotations: shape.annotations,
      pushedAt: data.clock.now()
    )
    try data.ledger.putManifest(row, blobs: shape.blobs, children: shape.children, tags: tags)
    cache.forget(tags.map { .tag($0) } + [.digest(digest)], in: repository)
    layout.changed()
    let missing = shape.mediaType.isIndex ? try data.ledger.missing(shape.children, from: repository) : []
    return PushedManifest(digest: digest, subject: shape.subject, missing: missing)
  }

  /// Removes a tag, whose manifest stays, or a manifest with its tags; throws `manifest-unknown`.
  package func deleteManifest(_ reference: ManifestReference, in repository: Repository) throws(Failure) {
    let wasThere: Bool
    switch reference {
    case .tag(let tag):
      wasThere = try data.ledger.deleteTag(tag, in: repository)
      cache.forget([reference], in: repository)
    case .digest(let digest):
      let tags = try data.ledger.deleteManifest(digest, in: repository)
      wasThere = tags != nil
      cache.forget([reference] + (tags ?? []).map { .tag($0) }, in: repository)
    }
    guard wasThere else { throw Self.unknownManifest(reference, repository) }
    layout.changed()
  }

  /// Makes an image of layers that are already blobs: writes config and manifest, and moves the tags last, all in one
  /// transaction. Throws `blob-unknown` for a layer that is not stored.
  ///
  /// `size` is that of config and layers together.
  @discardableResult
  package func commitImage(
    config: [UInt8],
    layers: [Descriptor],
    mediaType: MediaType,
    repository: Repository,
    tags: [Tag],
    completing build: BuildCompletion? = nil
  ) throws(Failure) -> (digest: Digest, size: ByteCount) {
    let hold = data.blobs.leases.hold()
    defer { hold.release() }
    for layer in layers {
      guard data.blobs.keep(layer.digest), let size = data.blobs.size(of: layer.digest) else {
        throw Self.unknownBlob(layer.digest, repository)
      }
      guard size.bytes == layer.size else {
        throw Failure(
          .invalidArgument, reason: "size-invalid", "layer '\(layer.digest)' does not have \(layer.size) bytes")
      }
    }
    let configDigest = try data.blobs.put(config)
    let configType: MediaType = mediaType == .dockerManifest ? .dockerConfig : .ociConfig
    let manifest = Manifest(
      mediaType: mediaType,
      config: Descriptor(mediaType: configType, digest: configDigest, size: Int64(config.count)),
      layers: layers
    )
    let bytes: [UInt8]
    do { bytes = try CanonicalJSON.encode(manifest) } catch {
      throw Failure(wrapping: error, while: "writing a manifest")
    }
    let digest = try data.blobs.put(bytes)
    let blobs = [configDigest] + layers.map(\.digest)
    // Builds write their layers without waiting for the disk; the image's owner is promised them here.
    try data.blobs.makeDurable(layers.map(\.digest))
    let row = ManifestRow(
      repository: repository,
      digest: digest,
      mediaType: mediaType,
      artifactType: configType.rawValue,
      size: ByteCount(Int64(bytes.count)),
      pushedAt: data.clock.now()
    )
    try data.ledger.putManifest(row, blobs: blobs, linking: blobs, tags: tags, completing: build)
    cache.forget(tags.map { .tag($0) } + [.digest(digest)], in: repository)
    layout.changed()
    return (digest, ByteCount(layers.reduce(Int64(config.count)) { $0 + $1.size }))
  }

  private static func digest(of bytes: [UInt8], as reference: ManifestReference) throws(Failure) -> Digest {
    guard case .digest(let expected) = reference else { return Digest(sha256Of: bytes) }
    let running = RunningDigest(expected.algorithm)
    running.update(bytes)
    let digest = running.digest()
    guard digest == expected else {
      throw Failure(
        .invalidArgument,
        reason: "digest-invalid",
        "the manifest has digest '\(digest)', not '\(expected)'"
      )
    }
    return digest
  }

  static func unknownManifest(_ reference: ManifestReference, _ repository: Repository) -> Failure {
    Failure(.notFound, reason: "manifest-unknown", "manifest '\(reference)' is not in repository '\(repository)'")
  }
}
