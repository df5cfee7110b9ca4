import Archive
import Diagnostics
import Dockerfile
import SystemPackage

/// Copies what a directory holds, or of it what `--parents` names and `--exclude` leaves.
///
/// A directory that is not taken itself is looked into where something below may be; it comes to be, as it is in the
/// source, with the first thing that is taken from it.
struct CopyWalk {
  let tree: any SourceTree
  /// Relative to the directory walked; nil takes everything.
  var include: PathPattern?
  /// Relative to the directory walked.
  var exclude: IgnoreRules?

  private struct Level {
    var from: FilePath
    var to: FilePath
    /// Bytes of the path below the root of the walk, with a slash at its end; empty where nothing is asked of it.
    var inside: [UInt8]
    /// The directory or one above it is what `include` names.
    var isIncluded: Bool
    /// Directories above that nothing was taken from yet, outermost first.
    var waiting: [(node: FileNode, path: FilePath)]
  }

  /// Copies into `target`, which is there already; returns how many files, links and directories were taken.
  @discardableResult
  func copy(_ root: FilePath, to target: FilePath, into collector: inout EntryCollector) throws(Failure) -> Int {
    var taken = 0
    var open = [Level(from: root, to: target, inside: [], isIncluded: include == nil, waiting: [])]
    let isFiltering = include != nil || exclude?.isEmpty == false
    while let level = open.popLast() {
      try checkCancellation()
      for name in try tree.names(in: level.from) {
        let path = level.from.appending(name)
        guard let node = try tree.node(path) else { continue }
        let to = level.to.appending(name)
        var next = Level(
          from: path, to: to, inside: [], isIncluded: level.isIncluded, waiting: level.waiting)
        var isTaken = true
        if isFiltering {
          next.inside = level.inside + name.sortKey
          if let include, !next.isIncluded { next.isIncluded = include.matches(bytes: next.inside) }
          isTaken = next.isIncluded && exclude?.ignores(bytes: next.inside) != true
        }
        if isTaken {
          for above in next.waiting where !collector.holds(above.path) {
            try collector.add(above.node, at: above.path)
          }
          next.waiting = []
          try collector.add(node, at: to)
          taken += 1
        }
        guard case .directory = node.entry.kind, isTaken || maySurvive(next) else { continue }
        if !isTaken { next.waiting.append((node, to)) }
        if isFiltering { next.inside.append(UInt8(ascii: "/")) }
        open.append(next)
      }
    }
    return taken
  }

  /// Whether something below a directory that is not taken may be.
  private func maySurvive(_ level: Level) -> Bool {
    if let include, !level.isIncluded, !include.canMatchBelow(bytes: level.inside) { return false }
    return exclude?.canSkip(directoryBytes: level.inside) != true
  }
}
