import Archive
import Diagnostics
import OCI
import Storage
import SystemPackage

/// What `docker save` writes, in the shape Kaniko gives it: the configuration, the packed layers and `manifest.json`.
struct ImageTarball {
  let image: ExecutorImage
  let blobs: BlobStore
  /// `name:tag` each.
  let tags: [String]

  private struct SavedImage: Encodable {
    var config: String
    var tags: [String]?
    var layers: [String]
    enum CodingKeys: String, CodingKey {
      case config = "Config"
      case tags = "RepoTags"
      case layers = "Layers"
    }
  }

  func write(to path: FilePath) throws(Failure) {
    let tar = TarWriter(into: try OutputFile.writer(path))
    do throws(Failure) {
      try write(into: tar)
      try tar.finish()
    } catch {
      // Half an archive must not be taken for one.
      OutputFile.remove(path)
      throw error
    }
  }

  private func write(into tar: TarWriter) throws(Failure) {
    try append(image.configBytes, as: image.config.digest.description, tar)
    var written: Set<Digest> = []
    var names: [String] = []
    for layer in image.layers {
      let name = layer.digest.hex + Self.suffix(layer.mediaType)
      names.append(name)
      guard written.insert(layer.digest).inserted else { continue }
      let entry = TarEntry(path: FilePath(name), kind: .file, mode: 0o644, size: layer.size)
      try tar.append(entry, body: FileReader(try blobs.open(layer.digest), closing: true))
    }
    let saved = SavedImage(
      config: image.config.digest.description, tags: tags.isEmpty ? nil : tags, layers: names)
    do {
      try append(try CanonicalJSON.encode([saved]), as: "manifest.json", tar)
    } catch {
      throw Failure(wrapping: error, while: "writing the image's archive")
    }
  }

  private func append(_ bytes: [UInt8], as name: String, _ tar: TarWriter) throws(Failure) {
    let entry = TarEntry(path: FilePath(name), kind: .file, mode: 0o644, size: Int64(bytes.count))
    try tar.append(entry, body: BytesReader(bytes))
  }

  private static func suffix(_ type: MediaType) -> String {
    switch type {
    case .ociLayerGzip, .dockerLayerGzip: ".tar.gz"
    case .ociLayerZstd: ".tar.zst"
    default: ".tar"
    }
  }
}
