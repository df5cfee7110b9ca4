import Archive
import Diagnostics
import SystemPackage

/// A layer unpacked on disk as an overlay lower directory: whiteouts are character devices 0:0, opaque directories
/// carry an extended attribute.
struct DiskLayer: LayerView {
  let root: RootDirectory
  let xattrs: OverlayXattrs

  func find(_ path: FilePath) throws(Failure) -> LayerFinding {
    var hidesBelow = false
    var walked = FilePath()
    for component in path.components.dropLast() {
      walked.append(component)
      guard let above = try root.lookUp(walked, xattrs) else { return hidesBelow ? .hidden : .unknown }
      guard above.status.kind == .directory else { return .hidden }
      if above.isOpaque { hidesBelow = true }
    }
    guard let found = try root.lookUp(path, xattrs) else { return hidesBelow ? .hidden : .unknown }
    if found.isWhiteout { return .hidden }
    let isFile = found.status.kind == .file
    let node = FileNode(
      entry: found.entry, body: isFile ? .inside(root, path) : .none, digest: nil,
      link: isFile && found.status.links > 1
        ? .inode(found.status.inode, device: found.status.device) : nil)
    return .found(node, hidesBelow: hidesBelow || found.isOpaque)
  }

  func names(in path: FilePath) throws(Failure) -> (present: [FilePath.Component], removed: [FilePath.Component]) {
    var present: [FilePath.Component] = []
    var removed: [FilePath.Component] = []
    for name in try root.list(path) {
      guard let found = try root.lookUp(path.appending(name), xattrs) else { continue }
      if found.isWhiteout { removed.append(name) } else { present.append(name) }
    }
    return (present, removed)
  }
}
