import Archive
import Diagnostics
import OCI
import SystemPackage

/// A COPY's layer as an index of what it holds: its files exist only in the layer blob and in their source, until a
/// step needs them on disk.
struct VirtualLayer: LayerView, Sendable {
  private let nodes: [FilePath: LayerEntry]
  private let children: [FilePath: [FilePath.Component]]
  /// Files that hard links name.
  private let linked: Set<FilePath>
  private let diffID: Digest

  init(_ entries: [LayerEntry], diffID: Digest) {
    var nodes: [FilePath: LayerEntry] = [:]
    var children: [FilePath: [FilePath.Component]] = [:]
    var linked: Set<FilePath> = []
    for entry in entries {
      let path = entry.tar.path
      if case .hardLink(let target) = entry.tar.kind { linked.insert(target) }
      guard nodes.updateValue(entry, forKey: path) == nil, let name = path.lastComponent else { continue }
      children[path.removingLastComponent(), default: []].append(name)
    }
    self.nodes = nodes
    self.children = children
    self.linked = linked
    self.diffID = diffID
  }

  func find(_ path: FilePath) -> LayerFinding {
    if let entry = nodes[path] { return .found(node(entry, at: path), hidesBelow: false) }
    if path.isEmpty { return .found(.root, hidesBelow: false) }
    var above = path
    while above.removeLastComponent(), !above.isEmpty {
      guard let entry = nodes[above] else { continue }
      if case .directory = entry.tar.kind { return .unknown }
      return .hidden
    }
    return .unknown
  }

  func names(in path: FilePath) -> (present: [FilePath.Component], removed: [FilePath.Component]) {
    (children[path] ?? [], [])
  }

  /// A hard link is the file it names: the tar entry's target means nothing outside this layer.
  private func node(_ entry: LayerEntry, at path: FilePath) -> FileNode {
    guard case .hardLink(let target) = entry.tar.kind, let file = nodes[target] else {
      let link = linked.contains(path) ? FileNode.LinkIdentity.member(path, of: diffID.description) : nil
      return FileNode(entry: entry.tar, body: entry.body, digest: entry.digest, link: link)
    }
    var node = FileNode(
      entry: file.tar, body: file.body, digest: file.digest, link: .member(target, of: diffID.description))
    node.entry.path = path
    return node
  }
}
