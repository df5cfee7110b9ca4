import Archive
import Builder
import Diagnostics
import OCI
import Storage
import SystemPackage

/// An OCI image layout (image-spec, image-layout.md): every blob is checked against its digest on the way in.
struct OCILayoutImport {
  private static let referenceName = "org.opencontainers.image.ref.name"

  let files: ArchivedFiles
  let blobs: BlobStore

  func image(tag: Tag) throws(Failure) -> ImportableImage {
    let index = try files.json(Index.self, "index.json")
    let manifest = try manifest(try choose(from: index, tag: tag), depth: 0)
    for layer in manifest.layers { try store(layer.digest) }
    let config = try checked(manifest.config.digest)
    return ImportableImage(config: config, layers: manifest.layers)
  }

  /// By tag, else by platform, else the only one.
  private func choose(from index: Index, tag: Tag) throws(Failure) -> Descriptor {
    if let named = index.manifests.first(where: { $0.annotations?[Self.referenceName] == tag.name }) { return named }
    if let fitting = index.manifest(for: .host) { return fitting }
    if index.manifests.count == 1 { return index.manifests[0] }
    throw Failure(
      .invalidArgument, reason: "image-archive-ambiguous", "the OCI layout holds \(index.manifests.count) images",
      hint: "import it under one of the names it holds: "
        + index.manifests.compactMap { $0.annotations?[Self.referenceName] }.joined(separator: ", "))
  }

  private func manifest(_ descriptor: Descriptor, depth: Int) throws(Failure) -> Manifest {
    guard descriptor.mediaType.isIndex else { return try document(Manifest.self, descriptor.digest) }
    let index = try document(Index.self, descriptor.digest)
    guard depth < 4, let chosen = index.manifest(for: .host) else {
      throw Failure(
        .invalidArgument, reason: "base-image-platform", "the OCI layout has no image for \(Platform.host)")
    }
    return try manifest(chosen, depth: depth + 1)
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
    guard running.digest() == digest else { throw mismatch(digest) }
    return bytes
  }

  private func store(_ digest: Digest) throws(Failure) {
    // Also when the blob is here already: only an archive that holds the bytes may bring them into the repository.
    let writer = try blobs.writer(digest.algorithm)
    let reader = try files.reader(path(digest))
    _ = try reader.copy(to: BlobSink(writer))
    _ = try writer.commit(expecting: digest, durably: false)
  }

  private func path(_ digest: Digest) -> FilePath {
    FilePath("blobs/\(digest.algorithm.rawValue)/\(digest.hex)")
  }

  private func mismatch(_ digest: Digest) -> Failure {
    Failure(.invalidArgument, reason: "digest-invalid", "blob '\(digest)' in the OCI layout has other content")
  }
}
