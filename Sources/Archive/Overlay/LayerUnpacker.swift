import Diagnostics
import SystemPackage

/// Unpacks a layer's tar into an empty directory that overlayfs will use as a lower directory.
///
/// Whiteouts become what overlayfs understands: `.wh.NAME` a character device 0:0, `.wh..wh..opq` an attribute.
/// Every name is resolved inside the directory, whatever links the layer holds. Nothing is synced to disk.
package struct LayerUnpacker {
  package struct Summary: Sendable, Hashable {
    /// Entries of the tar, whiteouts with them.
    package var entries = 0
    /// Bytes of regular files.
    package var size = ByteCount(0)
    /// Device files that a user namespace may not make; the container's own /dev takes their place.
    package var skippedDevices: [FilePath] = []

    package init() {}
  }

  package var root: FilePath
  package var xattrs: OverlayXattrs

  package init(root: FilePath, xattrs: OverlayXattrs) {
    self.root = root
    self.xattrs = xattrs
  }

  /// Reads the tar to its end and makes everything in it, directory times last.
  ///
  /// Here: missing parents are made as root's 0755, since the layers below, where they are, are not at hand.
  /// A failure leaves the directory half filled: remove it.
  package func unpack(from tar: TarReader) throws(Failure) -> Summary {
    let tree = try LayerTree(root: root, xattrs: xattrs)
    var summary = Summary()
    while let entry = try tar.next() {
      try checkCancellation()
      summary.entries += 1
      summary.size.bytes += entry.size
      if try !tree.add(entry, body: tar) { summary.skippedDevices.append(entry.path) }
    }
    try tree.setDirectoryTimes()
    return summary
  }
}
