import Archive
import Diagnostics
import SystemPackage

/// A COPY's layer as an index of what it holds: its files exist only in the layer blob and in their source, until a
/// step needs them on disk.
struct VirtualLayer: LayerView, Sendable {
  private let nodes: [FilePath: LayerEntry]
  private let children: [FilePath: [FilePath.Component]]

  init(_ entries: [LayerEntry]) {
    var nodes: [FilePath: LayerEntry] = [:]
    var children: [FilePath: [FilePath.Component]] = [:]
    for entry in entries {
      let path = entry.tar.path
      guard nodes.updateValue(entry, forKey: path) == nil, let name = path.lastComponent else { continue }
      children[path.removingLastComponent(), default: []].append(name)
    }
    self.nodes = nodes
    self.children = children
  }

  func find(_ path: FilePath) -> LayerFinding {
    if let entry = nodes[path] {
      return .found(FileNode(entry: entry.tar, body: entry.body, digest: entry.digest, link: nil), hidesBelow: false)
    }
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
}
