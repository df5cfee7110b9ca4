import Diagnostics
import SystemPackage

/// Makes files below a directory, one by one, as tar entries describe them.
///
/// As `LayerUnpacker`, but names that mean a removal in a layer are names like others here.
package final class TreeFiller {
  private let tree: LayerTree

  /// `root` must exist; `xattrs` says which file system marks are ours.
  package init(root: FilePath, xattrs: OverlayXattrs) throws(Failure) {
    tree = try LayerTree(root: root, xattrs: xattrs)
  }

  /// Makes one entry, its parents where they are missing; `body` is read to its end. A device that a user namespace
  /// may not make is left out.
  package func add(_ entry: TarEntry, body: (any ByteReader)?) throws(Failure) {
    try tree.place(entry, body: body ?? BytesReader([]))
  }

  /// Sets the times of directories; nothing may be added afterwards.
  package func finish() throws(Failure) { try tree.setDirectoryTimes() }
}
