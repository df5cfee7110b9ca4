import Archive
import Diagnostics
import Glibc
import SystemPackage

/// What one layer says about a path.
enum LayerFinding {
  /// Nothing: the layers below decide.
  case unknown
  /// The path does not exist, whatever the layers below hold: removed here, or below a directory that is new here.
  case hidden
  /// It is here; when `hidesBelow`, a directory does not merge with the layers below.
  case found(FileNode, hidesBelow: Bool)
}

/// One layer of a root, looked into without being mounted.
protocol LayerView: Sendable {
  func find(_ path: FilePath) throws(Failure) -> LayerFinding
  /// The names this layer itself holds in a directory, and those it removes.
  func names(in path: FilePath) throws(Failure) -> (present: [FilePath.Component], removed: [FilePath.Component])
}

/// A root made of layers, seen as the overlay would show it (kernel's overlayfs.rst: whiteouts and opaque directories).
struct RootTree: SourceTree, Sendable {
  /// Topmost first.
  let layers: [any LayerView]

  func node(_ path: FilePath) throws(Failure) -> FileNode? {
    for layer in layers {
      switch try layer.find(path) {
      case .unknown: continue
      case .hidden: return nil
      case .found(let node, _): return node
      }
    }
    // Even a root without layers is a directory.
    return path.isEmpty ? .root : nil
  }

  func names(in path: FilePath) throws(Failure) -> [FilePath.Component] {
    var names: Set<FilePath.Component> = []
    var removed: Set<FilePath.Component> = []
    search: for layer in layers {
      switch try layer.find(path) {
      case .unknown: continue
      case .hidden: break search
      case .found(let node, let hidesBelow):
        guard case .directory = node.entry.kind else { break search }
        let here = try layer.names(in: path)
        names.formUnion(here.present.filter { !removed.contains($0) })
        removed.formUnion(here.removed)
        if hidesBelow { break search }
      }
    }
    return names.sorted { $0.sortKey.lexicographicallyPrecedes($1.sortKey) }
  }
}

extension FilePath {
  /// The path's bytes with a zero for each slash, so that they sort as its names do one by one: no name holds the zero
  /// that ends each, so that one that begins another stands before it.
  var sortKey: [UInt8] {
    withPlatformString { text in
      UnsafeRawBufferPointer(start: text, count: strlen(text)).map { $0 == UInt8(ascii: "/") ? 0 : $0 }
    }
  }
}

extension FilePath.Component {
  /// The name's raw bytes: layers are sorted by them, whatever encoding they are in.
  var sortKey: [UInt8] {
    withPlatformString { Array(UnsafeRawBufferPointer(start: $0, count: strlen($0))) }
  }
}
