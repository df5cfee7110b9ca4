import Archive
import Builder
import Diagnostics
import OCI
import Storage
import SystemPackage

/// An OCI image layout (image-spec, image-layout.md): every blob is checked against its digest when it is read.
struct OCILayout {
  private static let referenceName = "org.opencontainers.image.ref.name"

  let files: any ImageFiles

  /// One image of a layout.
  struct Image {
    var digest: Digest
    var mediaType: MediaType
    var manifest: Manifest
    var config: [UInt8]
  }

  /// The image of that name; without one of the name the one for the platform, or the only one.
  func image(_ tag: Tag, for platform: Platform) throws(Failure) -> Image {
    let index = try files.json(Index.self, "index.json")
    let named = index.manifests.filter { $0.annotations?[Self.referenceName] == tag.name }
    if let found = Index(manifests: named).manifest(for: platform) ?? named.first {
      return try image(found, platform, depth: 0)
    }
    if let fitting = index.manifest(for: platform) { return try image(fitting, platform, depth: 0) }
    if index.manifests.count == 1 { return try image(index.manifests[0], platform, depth: 0) }
    throw ambiguous(index, "import it under one of the names it holds")
  }

  /// The image that a name or a digest stands for; nil takes `latest`, else the only image.
  func image(named name: ManifestReference?, for platform: Platform) throws(Failure) -> Image {
    let index = try files.json(Index.self, "index.json")
    switch name {
    case .digest(let digest):
      if let found = index.manifests.first(where: { $0.digest == digest }) {
        return try image(found, platform, depth: 0)
      }
      // A manifest that only another index names.
      let kind = try document(Kind.self, digest)
      let type = kind.mediaType ?? (kind.manifests == nil ? .ociManifest : .ociIndex)
      return try image(Descriptor(mediaType: type, digest: digest, size: 0), platform, depth: 0)
    case .tag(let tag): return try image(try choose(tag, from: index, platform), platform, depth: 0)
    case nil:
      let isTagged = index.manifests.contains { $0.annotations?[Self.referenceName] == Tag.latest.name }
      if isTagged { return try image(try choose(.latest, from: index, platform), platform, depth: 0) }
      let own = index.manifests.filter { $0.platform?.matches(platform) ?? true }
      guard own.count == 1 || index.manifests.count == 1 else { throw ambiguous(index, "name one of those it holds") }
      return try image(own.first ?? index.manifests[0], platform, depth: 0)
    }
  }

  /// Copies a blob into the store.
  func store(_ digest: Digest, in blobs: BlobStore) throws(Failure) {
    let writer = try blobs.writer(digest.algorithm)
    let reader = try files.reader(path(digest))
    _ = try reader.copy(to: BlobSink(writer))
    _ = try writer.commit(expecting: digest, durably: false)
  }

  private struct Kind: Decodable {
    var mediaType: MediaType?
    var manifests: [Descriptor]?
  }

  private func choose(_ tag: Tag, from index: Index, _ platform: Platform) throws(Failure) -> Descriptor {
    let named = index.manifests.filter { $0.annotations?[Self.referenceName] == tag.name }
    guard let first = named.first else {
      throw Failure(
        .notFound, reason: "base-image-unknown", "the OCI layout holds no image named '\(tag)'",
        hint: "it holds: " + names(index))
    }
    return Index(manifests: named).manifest(for: platform) ?? first
  }

  private func image(_ descriptor: Descriptor, _ platform: Platform, depth: Int) throws(Failure) -> Image {
    if descriptor.mediaType.isIndex {
      let index = try document(Index.self, descriptor.digest)
      guard depth < 4, let chosen = index.manifest(for: platform) else {
        throw Failure(
          .notFound, reason: "base-image-platform", "the OCI layout has no image for \(platform)",
          hint: "it has: " + index.manifests.compactMap { $0.platform?.description }.joined(separator: ", "))
      }
      return try image(chosen, platform, depth: depth + 1)
    }
    let manifest = try document(Manifest.self, descriptor.digest)
    return Image(
      digest: descriptor.digest, mediaType: manifest.mediaType ?? descriptor.mediaType, manifest: manifest,
      config: try checked(manifest.config.digest))
  }

  private func ambiguous(_ index: Index, _ advice: String) -> Failure {
    Failure(
      .invalidArgument, reason: "image-archive-ambiguous", "the OCI layout holds \(index.manifests.count) images",
      hint: "\(advice): " + names(index))
  }

  private func names(_ index: Index) -> String {
    index.manifests.map { $0.annotations?[Self.referenceName] ?? $0.digest.description }.joined(separator: ", ")
  }

  private func document<Value: Decodable>(_ type: Value.Type, _ digest: Digest) throws(Failure) -> Value {
    let bytes = try checked(digest)
    do { return try CanonicalJSON.decode(type, from: bytes) } catch {
      throw Failure(
        .invalidArgument, reason: "image-archive-broken", "'\(digest)' in the OCI layout cannot be read",
        cause: String(describing: error))
    }
  }

  /// A small blob's bytes, which must have its digest.
  private func checked(_ digest: Digest) throws(Failure) -> [UInt8] {
    let bytes = try files.reader(path(digest)).contents(limit: .mebibytes(8))
    let running = RunningDigest(digest.algorithm)
    running.update(bytes)
    guard running.digest() == digest else {
      throw Failure(.invalidArgument, reason: "digest-invalid", "blob '\(digest)' in the OCI layout has other content")
    }
    return bytes
  }

  private func path(_ digest: Digest) -> FilePath {
    FilePath("blobs/\(digest.algorithm.rawValue)/\(digest.hex)")
  }
}
