import Archive
import Builder
import Diagnostics
import OCI
import Storage
import SystemPackage

/// What `docker save` writes: manifest.json, a configuration, and layers as plain tars.
struct DockerArchiveImport {
  private struct SavedImage: Decodable {
    var config: String
    var layers: [String]
    private enum CodingKeys: String, CodingKey {
      case config = "Config"
      case layers = "Layers"
    }
  }

  let files: ArchivedFiles
  let blobs: BlobStore

  func image() throws(Failure) -> ImportableImage {
    let saved = try files.json([SavedImage].self, "manifest.json")
    guard let image = saved.first, saved.count == 1 else {
      throw Failure(
        .invalidArgument, reason: "image-archive-ambiguous", "the docker archive holds \(saved.count) images",
        hint: "save one image into a file of its own")
    }
    let config = try files.reader(FilePath(image.config)).contents(limit: .mebibytes(8))
    let diffIDs = try files.json(ImageConfig.self, FilePath(image.config)).rootfs.diffIDs
    guard diffIDs.count == image.layers.count else {
      throw Failure(
        .invalidArgument, reason: "image-archive-broken",
        "the docker archive has \(image.layers.count) layers and \(diffIDs.count) diff ids")
    }
    var layers: [Descriptor] = []
    for (path, diffID) in zip(image.layers, diffIDs) {
      let plain = try Decompression.reader(over: try files.reader(FilePath(path)), limit: .mebibytes(256 << 10))
      let layer = try LayerBlob(store: blobs).write(tar: plain)
      guard layer.diffID == diffID else {
        throw Failure(
          .invalidArgument, reason: "digest-invalid",
          "layer '\(path)' has diff id '\(layer.diffID)' where the configuration says '\(diffID)'")
      }
      layers.append(layer.descriptor)
    }
    return ImportableImage(config: config, layers: layers)
  }
}
