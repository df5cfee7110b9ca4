import Archive
import Diagnostics
import OCI
import Storage
import SystemPackage

/// An OCI image layout with one image (image-spec, image-layout.md).
struct OCILayoutFolder {
  let image: ExecutorImage
  let blobs: BlobStore

  private struct Version: Encodable { var imageLayoutVersion = "1.0.0" }

  /// Writes into `folder`; blobs that are there stay, and its index names this image alone afterwards.
  func write(to folder: FilePath) throws(Failure) {
    let place = folder.appending("blobs")
    for layer in image.layers {
      try write(layer.digest, below: place) { (writer) throws(Failure) in
        _ = try FileReader(try blobs.open(layer.digest), closing: true).copy(to: writer)
      }
    }
    try write(image.config.digest, below: place) { (writer) throws(Failure) in try writer.write(image.configBytes) }
    try write(image.digest, below: place) { (writer) throws(Failure) in try writer.write(image.manifestBytes) }
    let descriptor = Descriptor(
      mediaType: image.manifestType, digest: image.digest, size: Int64(image.manifestBytes.count))
    do {
      try OutputFile.write(try CanonicalJSON.encode(Version()), to: folder.appending("oci-layout"))
      try OutputFile.write(
        try CanonicalJSON.encode(Index(manifests: [descriptor])), to: folder.appending("index.json"))
    } catch {
      throw Failure(wrapping: error, while: "writing the image layout")
    }
  }

  private func write(
    _ digest: Digest, below place: FilePath, _ fill: (FileWriter) throws(Failure) -> Void
  ) throws(Failure) {
    let path = place.appending(digest.algorithm.rawValue).appending(digest.hex)
    let partial = FilePath(path.string + ".partial")
    let writer = try OutputFile.writer(partial)
    do throws(Failure) {
      try fill(writer)
      try writer.finish()
      try OutputFile.rename(partial, to: path)
    } catch {
      OutputFile.remove(partial)
      throw error
    }
  }
}
