import Archive
import Diagnostics
import SystemPackage

/// An indexed archive or commit as a tree that COPY reads from; all files are root's.
struct IndexTree: SourceTree {
  private let index: ArchiveIndex
  private let nodes: [PathKey: IndexedEntry]
  private let children: [PathKey: [FilePath.Component]]
  private let linked: Set<FilePath>

  init(_ index: ArchiveIndex) {
    self.index = index
    linked = index.linkedFiles
    var nodes: [PathKey: IndexedEntry] = [:]
    var children: [PathKey: [FilePath.Component]] = [:]
    for entry in index.entries {
      let path = entry.entry.path
      guard nodes.updateValue(entry, forKey: PathKey(path)) == nil, let name = path.lastComponent else { continue }
      children[PathKey(path.removingLastComponent()), default: []].append(name)
    }
    self.nodes = nodes
    self.children = children.mapValues { $0.sorted { $0.sortKey.lexicographicallyPrecedes($1.sortKey) } }
  }

  func node(_ path: FilePath) throws(Failure) -> FileNode? {
    if path.isEmpty { return .root }
    guard let found = nodes[PathKey(path)] else { return nil }
    let archive = index.files.first?.string ?? ""
    var node = FileNode(found, bodies: index.files, linked: linked, archive: archive)
    node.entry.uid = 0
    node.entry.gid = 0
    return node
  }

  func names(in path: FilePath) -> [FilePath.Component] { children[PathKey(path)] ?? [] }
}
