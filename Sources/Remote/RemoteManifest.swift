import Diagnostics
import OCI
import Outbound

/// A manifest or index exactly as a registry sent it.
package struct RemoteManifest: Sendable, Hashable {
  package var digest: Digest
  package var mediaType: MediaType
  package var bytes: [UInt8]

  package init(digest: Digest, mediaType: MediaType, bytes: [UInt8]) {
    self.digest = digest
    self.mediaType = mediaType
    self.bytes = bytes
  }
}

extension MediaType {
  static let dockerLayer: MediaType = "application/vnd.docker.image.rootfs.diff.tar"
  static let dockerLayerZstd: MediaType = "application/vnd.docker.image.rootfs.diff.tar.zstd"

  /// A layer that a build can stand on.
  var isLayer: Bool {
    [.ociLayer, .ociLayerGzip, .ociLayerZstd, .dockerLayer, .dockerLayerGzip, .dockerLayerZstd].contains(self)
  }

  /// A layer that its makers do not let registries hand on (image-spec, layer.md, "Non-Distributable Layers").
  var isForeign: Bool { rawValue.contains(".foreign.") || rawValue.contains(".nondistributable.") }
}

extension RegistrySession {
  /// Twice what the specification asks a registry to take.
  private static let manifestLimit = ByteCount.mebibytes(8)

  static let accepted = [
    MediaType.ociIndex, .dockerManifestList, .ociManifest, .dockerManifest,
  ].map(\.rawValue).joined(separator: ", ")

  /// The digest a tag stands for now, by HEAD; nil when the registry does not say. Throws `image-unknown`.
  func currentDigest(_ reference: ManifestReference, what: String) async throws(Failure) -> Digest? {
    let answer = try await send("HEAD", url("manifests/\(reference)"), headers: [("Accept", Self.accepted)])
    guard answer.status == 200 else { throw await refusal(answer, what: what) }
    await answer.discard()
    return answer.header("docker-content-digest").flatMap { try? Digest($0) }
  }

  /// Fetches a manifest and checks it against its digest. Throws `image-unknown`, `digest-invalid`.
  func manifest(_ reference: ManifestReference, what: String) async throws(Failure) -> RemoteManifest {
    let answer = try await send("GET", url("manifests/\(reference)"), headers: [("Accept", Self.accepted)])
    guard answer.status == 200 else { throw await refusal(answer, what: what) }
    let bytes = try await answer.bytes(limit: Self.manifestLimit)
    let said = answer.header("docker-content-digest").flatMap { try? Digest($0) }
    let expected: Digest? = if case .digest(let digest) = reference { digest } else { said }
    let running = RunningDigest(expected?.algorithm ?? .sha256)
    running.update(bytes)
    let digest = running.digest()
    guard expected == nil || expected == digest else {
      throw Failure(
        .unavailable, reason: "digest-invalid",
        "registry '\(host)' sent a manifest of other content than its digest '\(expected?.description ?? "")' says",
        hint: "try again; if that repeats, something between changes what is sent")
    }
    return RemoteManifest(digest: digest, mediaType: try mediaType(of: bytes, answer, what: what), bytes: bytes)
  }

  /// The document's own word stands over the header's, as the specification has it.
  private func mediaType(of bytes: [UInt8], _ answer: OutboundAnswer, what: String) throws(Failure) -> MediaType {
    struct Shape: Decodable {
      var schemaVersion: Int?
      var mediaType: MediaType?
      var layers: [Descriptor]?
      var manifests: [Descriptor]?
    }
    guard let shape = try? CanonicalJSON.decode(Shape.self, from: bytes) else {
      throw Failure(
        .failedPrecondition, reason: "base-image-broken", "registry '\(host)' sent no manifest for \(what)",
        hint: "check the registry's address")
    }
    guard shape.schemaVersion != 1 else {
      throw Failure(
        .failedPrecondition, reason: "manifest-schema-1",
        "registry '\(host)' has \(what) only in docker's schema 1, which nobody writes since 2017",
        hint: "push the image again with a present-day tool")
    }
    let header = (answer.header("content-type") ?? "").prefix { $0 != ";" }
    let type = shape.mediaType ?? MediaType(rawValue: String(header).trimmed)
    if type.isIndex || type.isManifest { return type }
    if shape.manifests != nil { return .ociIndex }
    if shape.layers != nil { return .ociManifest }
    throw Failure(
      .failedPrecondition, reason: "base-image-unusable", "\(what) is '\(type)', not an image")
  }
}
