import Archive
import Diagnostics
import OCI
import SystemPackage

/// Several layers as the entries of one that does the same to the layers below.
struct SnapshotMerge {
  /// Topmost first.
  let views: [any LayerView]
  /// Whether there is anything below that could have to be hidden.
  let hasBase: Bool

  /// What the layers together say of one path.
  private struct Verdict {
    var node: FileNode?
    /// Nothing of the layers below is seen here.
    var hidesBelow = false
  }

  /// Sorted by path, parents first; whiteouts stand where the layers removed what lies below (image-spec, layer.md).
  func entries() throws(Failure) -> [LayerEntry] {
    var nodes: [(path: FilePath, node: FileNode)] = []
    var open: [(path: FilePath, seesBase: Bool)] = [(FilePath(), hasBase)]
    while let directory = open.popLast() {
      if Task.isCancelled { throw Failure(.cancelled, reason: "cancelled", "the build was cancelled") }
      for name in try names(in: directory.path) {
        let path = directory.path.appending(name)
        let verdict = try verdict(on: path)
        guard let node = verdict.node else {
          if verdict.hidesBelow, directory.seesBase {
            nodes.append(marker(Array(".wh.".utf8) + name.sortKey, in: directory.path))
          }
          continue
        }
        nodes.append((path, node))
        guard case .directory = node.entry.kind else { continue }
        if verdict.hidesBelow, directory.seesBase { nodes.append(marker(Array(".wh..wh..opq".utf8), in: path)) }
        open.append((path, directory.seesBase && !verdict.hidesBelow))
      }
    }
    return linked(nodes)
  }

  private func verdict(on path: FilePath) throws(Failure) -> Verdict {
    var verdict = Verdict()
    for view in views {
      switch try view.find(path) {
      case .unknown: continue
      case .hidden:
        verdict.hidesBelow = true
        return verdict
      case .found(let node, let hidesBelow):
        if verdict.node == nil { verdict.node = node }
        guard case .directory = node.entry.kind, !hidesBelow else {
          verdict.hidesBelow = true
          return verdict
        }
      }
    }
    return verdict
  }

  /// Every name a layer brings or removes.
  private func names(in path: FilePath) throws(Failure) -> Set<FilePath.Component> {
    var names: Set<FilePath.Component> = []
    for view in views {
      switch try view.find(path) {
      case .unknown: continue
      case .hidden: return names
      case .found(let node, let hidesBelow):
        guard case .directory = node.entry.kind else { return names }
        let here = try view.names(in: path)
        names.formUnion(here.present)
        names.formUnion(here.removed)
        if hidesBelow { return names }
      }
    }
    return names
  }

  private func marker(_ name: [UInt8], in directory: FilePath) -> (path: FilePath, node: FileNode) {
    let path = directory.appending(FilePath(platformString: (name + [0]).map { CChar(bitPattern: $0) }).components)
    return (path, FileNode(entry: TarEntry(path: path, kind: .file, mode: 0), body: .none))
  }

  /// The first of several names of one file carries its bytes, the others link to it.
  private func linked(_ nodes: [(path: FilePath, node: FileNode)]) -> [LayerEntry] {
    let sorted = nodes.map { ($0.path.components.map(\.sortKey), $0) }
      .sorted { $0.0.lexicographicallyPrecedes($1.0) { $0.lexicographicallyPrecedes($1) } }
    var firstNames: [FileNode.LinkIdentity: FilePath] = [:]
    return sorted.map { _, found in
      var tar = found.node.entry
      tar.path = found.path
      if let link = found.node.link {
        if let first = firstNames[link] {
          tar.kind = .hardLink(target: first)
          tar.size = 0
          return LayerEntry(tar: tar, body: .none, digest: nil)
        }
        firstNames[link] = found.path
      }
      return LayerEntry(tar: tar, body: found.node.body, digest: found.node.digest)
    }
  }
}
