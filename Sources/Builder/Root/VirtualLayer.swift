import Archive
import Diagnostics
import OCI
import Synchronization
import SystemPackage

/// A COPY's layer as an index of what it holds: its files exist only in the layer blob and in their source, until a
/// step needs them on disk.
///
/// The index is made when a later step looks into the layer; most never do.
final class VirtualLayer: LayerView, Sendable {
  private struct Index {
    var nodes: [PathKey: LayerEntry] = [:]
    var children: [PathKey: [FilePath.Component]] = [:]
    /// Files that hard links name.
    var linked: Set<FilePath> = []
  }

  private let entries: [LayerEntry]
  private let diffID: Digest
  private let made = Mutex<Index?>(nil)

  init(_ entries: [LayerEntry], diffID: Digest) {
    self.entries = entries
    self.diffID = diffID
  }

  private var index: Index {
    made.withLock { made in
      if let made { return made }
      var index = Index()
      for entry in entries {
        let path = entry.tar.path
        if case .hardLink(let target) = entry.tar.kind { index.linked.insert(target) }
        guard index.nodes.updateValue(entry, forKey: PathKey(path)) == nil, let name = path.lastComponent else {
          continue
        }
        index.children[PathKey(path.removingLastComponent()), default: []].append(name)
      }
      made = index
      return index
    }
  }

  func find(_ path: FilePath) -> LayerFinding {
    let index = index
    if let entry = index.nodes[PathKey(path)] { return .found(node(entry, at: path, index), hidesBelow: false) }
    if path.isEmpty { return .found(.root, hidesBelow: false) }
    var above = path
    while above.removeLastComponent(), !above.isEmpty {
      guard let entry = index.nodes[PathKey(above)] else { continue }
      if case .directory = entry.tar.kind { return .unknown }
      return .hidden
    }
    return .unknown
  }

  func names(in path: FilePath) -> (present: [FilePath.Component], removed: [FilePath.Component]) {
    (index.children[PathKey(path)] ?? [], [])
  }

  /// A hard link is the file it names: the tar entry's target means nothing outside this layer.
  private func node(_ entry: LayerEntry, at path: FilePath, _ index: Index) -> FileNode {
    guard case .hardLink(let target) = entry.tar.kind, let file = index.nodes[PathKey(target)] else {
      let link = index.linked.contains(path) ? FileNode.LinkIdentity.member(path, of: diffID.description) : nil
      return FileNode(entry: entry.tar, body: entry.body, digest: entry.digest, link: link)
    }
    var node = FileNode(
      entry: file.tar, body: file.body, digest: file.digest, link: .member(target, of: diffID.description))
    node.entry.path = path
    return node
  }
}
