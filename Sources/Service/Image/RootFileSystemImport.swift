import Archive
import Builder
import Diagnostics
import OCI
import Storage

/// A root file system as an image of one layer, for this machine's platform.
struct RootFileSystemImport {
  let files: ArchivedFiles
  let blobs: BlobStore
  let clock: WallClock

  func image() throws(Failure) -> ImportableImage {
    let layer = try LayerBlob(store: blobs).write { (tar) throws(Failure) in
      for found in files.entries {
        var body: (any ByteReader)?
        if case .file = found.entry.kind { body = try files.reader(of: found) }
        try tar.append(found.entry, body: body)
      }
    }
    var config = ImageConfig(platform: .host)
    var container = ImageConfig.Container()
    container.env = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]
    container.cmd = ["/bin/sh"]
    config.config = container
    config.rootfs = ImageConfig.RootFS(diffIDs: [layer.diffID])
    config.history = [ImageConfig.History(created: nil, createdBy: "kindling image import")]
    do {
      return ImportableImage(config: try CanonicalJSON.encode(config), layers: [layer.descriptor])
    } catch { throw Failure(wrapping: error, while: "writing the image configuration") }
  }
}
