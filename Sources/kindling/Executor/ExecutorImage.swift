import Builder
import Diagnostics
import OCI

/// A built image with its manifest, ready to be written or pushed. The layers' blobs are in the store.
struct ExecutorImage: Sendable {
  var config: Descriptor
  var configBytes: [UInt8]
  var manifestType: MediaType
  var manifestBytes: [UInt8]
  var digest: Digest
  /// Lowest first, in the types the manifest gives them.
  var layers: [Descriptor]

  init(_ built: BuiltImage, _ settings: ExecutorSettings) throws(Failure) {
    let needsOCI = !settings.annotations.isEmpty || built.layers.contains { $0.mediaType == .ociLayerZstd }
    if settings.imageFormat == .docker, needsOCI {
      throw Failure(
        .invalidArgument, reason: "image-format-unsuitable", "docker's image format has no zstd layers",
        hint: "use --image-format oci")
    }
    // Kaniko: the format of the base image, docker's without one. Here: OCI's too where docker's cannot say all.
    let isDocker = settings.imageFormat.map { $0 == .docker } ?? (!needsOCI && built.baseType != .ociManifest)
    manifestType = isDocker ? .dockerManifest : .ociManifest
    layers = built.layers.map { layer in
      var layer = layer
      layer.mediaType = Self.type(layer.mediaType, isDocker: isDocker)
      return layer
    }
    do {
      configBytes = try Self.config(built.config, labels: settings.labels)
      config = Descriptor(
        mediaType: isDocker ? .dockerConfig : .ociConfig, digest: Digest(sha256Of: configBytes),
        size: Int64(configBytes.count))
      var manifest = Manifest(mediaType: manifestType, config: config, layers: layers)
      if !settings.annotations.isEmpty { manifest.annotations = settings.annotations }
      manifestBytes = try CanonicalJSON.encode(manifest)
    } catch {
      throw Failure(wrapping: error, while: "writing the image's documents")
    }
    digest = Digest(sha256Of: manifestBytes)
  }

  /// Kaniko: labels of the command line are in no history.
  private static func config(_ bytes: [UInt8], labels: [String: String]) throws -> [UInt8] {
    guard !labels.isEmpty else { return bytes }
    var config = try CanonicalJSON.decode(ImageConfig.self, from: bytes)
    var container = config.config ?? ImageConfig.Container()
    container.labels = (container.labels ?? [:]).merging(labels) { $1 }
    config.config = container
    return try CanonicalJSON.encode(config)
  }

  private static func type(_ type: MediaType, isDocker: Bool) -> MediaType {
    let plain: MediaType = "application/vnd.docker.image.rootfs.diff.tar"
    switch (type, isDocker) {
    case (.ociLayerGzip, true): return .dockerLayerGzip
    case (.ociLayer, true): return plain
    case (.dockerLayerGzip, false): return .ociLayerGzip
    case (plain, false): return .ociLayer
    default: return type
    }
  }
}
