import Diagnostics
import Foundation
import OCI
import Storage

/// One step's layer in a shared cache: an OCI image of exactly that layer, tagged with the step's key, created when the
/// step ran. Nothing of the step itself stands in it but the digest of its inputs.
struct CacheEntry: Sendable, Hashable {
  var key: Digest
  var made: MadeLayer

  /// The entry as documents, ready to be kept.
  struct Documents: Sendable, Hashable {
    var config: Descriptor
    var configBytes: [UInt8]
    var layer: Descriptor
    var manifestBytes: [UInt8]
    var manifest: Digest
  }

  /// Says in the configuration which key the layer belongs to: an entry under another's tag is none.
  static let keyLabel = "dev.kindling.step"
  private static let packings: Set<MediaType> = [.ociLayerGzip, .ociLayerZstd]

  func documents(_ platform: Platform) throws(Failure) -> Documents {
    var image = ImageConfig(platform: platform)
    let created = Date(timeIntervalSince1970: Double(made.madeAt.milliseconds) / 1000).formatted(.iso8601)
    image.created = created
    var container = ImageConfig.Container()
    container.labels = [Self.keyLabel: key.description]
    image.config = container
    image.rootfs = ImageConfig.RootFS(diffIDs: [made.layer.diffID])
    image.history = [ImageConfig.History(created: created, createdBy: "kindling: a step's layer")]
    do {
      let configBytes = try CanonicalJSON.encode(image)
      let config = Descriptor(
        mediaType: .ociConfig, digest: Digest(sha256Of: configBytes), size: Int64(configBytes.count))
      let layer = Descriptor(
        mediaType: made.layer.mediaType, digest: made.layer.digest, size: made.layer.size.bytes)
      let manifestBytes = try CanonicalJSON.encode(
        Manifest(mediaType: .ociManifest, config: config, layers: [layer]))
      return Documents(
        config: config, configBytes: configBytes, layer: layer, manifestBytes: manifestBytes,
        manifest: Digest(sha256Of: manifestBytes))
    } catch {
      throw Failure(wrapping: error, while: "writing a cache entry")
    }
  }

  init(key: Digest, made: MadeLayer) {
    self.key = key
    self.made = made
  }

  /// The configuration and the layer that an entry's manifest names; throws `cache-entry-unusable`.
  static func parts(
    ofManifest bytes: [UInt8], layerLimit: ByteCount
  ) throws(Failure) -> (config: Descriptor, layer: Descriptor) {
    guard let manifest = try? CanonicalJSON.decode(Manifest.self, from: bytes) else {
      throw unusable("its manifest cannot be read")
    }
    guard manifest.config.mediaType == .ociConfig else {
      throw unusable("its configuration is '\(manifest.config.mediaType)'")
    }
    guard manifest.layers.count == 1, let layer = manifest.layers.first else {
      throw unusable("it has \(manifest.layers.count) layers, not one")
    }
    guard packings.contains(layer.mediaType) else { throw unusable("its layer is '\(layer.mediaType)'") }
    guard (0...configLimit).contains(manifest.config.size), (0...layerLimit.bytes).contains(layer.size) else {
      throw unusable("it names \(ByteCount(max(manifest.config.size, layer.size))), more than an entry may hold")
    }
    return (manifest.config, layer)
  }

  private static let configLimit: Int64 = 64 << 10

  /// Reads an entry that was found under `key`; throws `cache-entry-unusable`.
  init(config bytes: [UInt8], layer: Descriptor, key: Digest) throws(Failure) {
    guard let config = try? CanonicalJSON.decode(ImageConfig.self, from: bytes) else {
      throw Self.unusable("its configuration cannot be read")
    }
    guard config.config?.labels?[Self.keyLabel] == key.description else {
      throw Self.unusable("it is not the entry of this step")
    }
    guard config.rootfs.diffIDs.count == 1, let diffID = config.rootfs.diffIDs.first, diffID.algorithm == .sha256 else {
      throw Self.unusable("its configuration does not name one layer")
    }
    guard let text = config.created, let created = try? Date(text, strategy: .iso8601) else {
      throw Self.unusable("it does not say when it was made")
    }
    let record = LayerRecord(
      digest: layer.digest, diffID: diffID, size: ByteCount(layer.size), mediaType: layer.mediaType)
    self.init(
      key: key,
      made: MadeLayer(record, madeAt: Timestamp(milliseconds: Int64(created.timeIntervalSince1970 * 1000))))
  }

  private static func unusable(_ why: String) -> Failure {
    Failure(.failedPrecondition, reason: "cache-entry-unusable", why)
  }
}
