import Archive
import Diagnostics
import OCI
import SystemPackage

/// Gathers a layer's entries: parents first, no path twice (the last one wins), hard links kept.
struct EntryCollector {
  let destination: CopyDestination
  let mode: UInt16?

  private var byPath: [FilePath: LayerEntry] = [:]
  private var firstName: [FileNode.LinkIdentity: FilePath] = [:]

  init(destination: CopyDestination, mode: UInt16?) {
    self.destination = destination
    self.mode = mode
  }

  /// Sorted by path, so that equal contents make equal layers and parents stand before what they hold.
  var entries: [LayerEntry] {
    byPath.values.map { ($0.tar.path.components.map(\.sortKey), $0) }
      .sorted { $0.0.lexicographicallyPrecedes($1.0) { $0.lexicographicallyPrecedes($1) } }
      .map(\.1)
  }

  /// A file, link or directory found in the source tree, to stand at `path`.
  mutating func add(_ node: FileNode, at path: FilePath) throws(Failure) {
    var entry = node.entry
    entry.path = path
    if let link = node.link {
      if let first = firstName[link] {
        entry.kind = .hardLink(target: first)
        entry.size = 0
        try add(LayerEntry(tar: entry, body: .none, digest: nil))
        return
      }
      firstName[link] = path
    }
    try add(LayerEntry(tar: entry, body: node.body, digest: node.digest))
  }

  /// An entry of an archive that ADD unpacks; it keeps the archive's owners unless `--chown` is given.
  mutating func addUnpacked(_ entry: LayerEntry, below directory: FilePath) throws(Failure) {
    var entry = entry
    entry.tar.path = directory.appending(entry.tar.path.components)
    if case .hardLink(let target) = entry.tar.kind {
      entry.tar.kind = .hardLink(target: directory.appending(target.components))
    }
    try add(entry)
  }

  mutating func add(_ entry: LayerEntry) throws(Failure) {
    var entry = entry
    if let owner = destination.owner {
      entry.tar.uid = owner.uid
      entry.tar.gid = owner.gid
    }
    if let mode, !entry.tar.isSymlink { entry.tar.mode = mode }
    try addParents(of: entry.tar.path)
    byPath[entry.tar.path] = entry
  }

  /// The destination itself when it is a directory.
  mutating func addDirectory(_ path: FilePath) throws(Failure) {
    guard !path.isEmpty, byPath[path] == nil else { return }
    try addParents(of: path)
    byPath[path] = LayerEntry(tar: try destination.parent(path), body: .none, digest: nil)
  }

  private mutating func addParents(of path: FilePath) throws(Failure) {
    var missing: [FilePath] = []
    var above = path
    while above.removeLastComponent(), !above.isEmpty, byPath[above] == nil { missing.append(above) }
    for parent in missing.reversed() {
      byPath[parent] = LayerEntry(tar: try destination.parent(parent), body: .none, digest: nil)
    }
  }
}

extension TarEntry {
  var isSymlink: Bool { if case .symlink = kind { true } else { false } }
}
