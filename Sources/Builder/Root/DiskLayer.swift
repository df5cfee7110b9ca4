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
      guard let status = try root.status(walked, followLast: false) else { return hidesBelow ? .hidden : .unknown }
      guard status.isDirectory else { return .hidden }
      if try root.isOpaque(walked, xattrs) { hidesBelow = true }
    }
    guard let status = try root.status(path, followLast: false) else { return hidesBelow ? .hidden : .unknown }
    if status.isWhiteout { return .hidden }
    if status.isDirectory, try root.isOpaque(path, xattrs) { hidesBelow = true }
    let entry = try root.tarEntry(path, status, xattrs)
    let body: FileBody = if case .file = entry.kind { .inside(root, path) } else { .none }
    let link = status.linkCount > 1 ? FileNode.LinkIdentity(device: status.device, inode: status.inode) : nil
    return .found(FileNode(entry: entry, body: body, digest: nil, link: link), hidesBelow: hidesBelow)
  }

  func names(in path: FilePath) throws(Failure) -> (present: [FilePath.Component], removed: [FilePath.Component]) {
    var present: [FilePath.Component] = []
    var removed: [FilePath.Component] = []
    for name in try root.list(path) {
      guard let status = try root.status(path.appending(name), followLast: false) else { continue }
      if status.isWhiteout { removed.append(name) } else { present.append(name) }
    }
    return (present, removed)
  }
}
