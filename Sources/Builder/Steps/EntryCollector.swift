import Archive
import Diagnostics
import OCI
import SystemPackage

/// Gathers a layer's entries: parents first, no path twice (the last one wins), hard links kept.
struct EntryCollector {
  private struct Collected {
    var entry: LayerEntry
    var link: FileNode.LinkIdentity?
  }

  let destination: CopyDestination
  let mode: ModeChange?

  private static let whiteoutPrefix = Array(".wh.".utf8)

  private var byPath: [PathKey: Collected] = [:]
  /// What is known of the root's directories: in one that is new, nothing is in the way.
  private var isInRoot: [PathKey: Bool] = [PathKey(FilePath()): true]
  /// The directory the entry before was put into, most often that of the next one too.
  private var knownParent: PathKey?

  init(destination: CopyDestination, mode: ModeChange?) {
    self.destination = destination
    self.mode = mode
  }

  /// Sorted by path, so that equal contents make equal layers and parents stand before what they hold; the first of
  /// several names of one file carries its bytes, the others link to it.
  var entries: [LayerEntry] {
    let sorted = byPath.map { (key: $0.key.path.sortKey, found: $0.value) }
      .sorted { $0.key.lexicographicallyPrecedes($1.key) }
    var firstNames: [FileNode.LinkIdentity: FilePath] = [:]
    return sorted.map { _, found in
      guard let link = found.link else { return found.entry }
      guard let first = firstNames[link] else {
        firstNames[link] = found.entry.tar.path
        return found.entry
      }
      var tar = found.entry.tar
      tar.kind = .hardLink(target: first)
      tar.size = 0
      return LayerEntry(tar: tar, body: .none, digest: nil)
    }
  }

  /// A file, link or directory found in the source tree, to stand at `path`.
  ///
  /// BuildKit: a directory never takes the place of something else, nor the other way round; only an archive that ADD
  /// unpacks `replaces` what is in its way.
  mutating func add(_ node: FileNode, at path: FilePath, replaces: Bool = false) throws(Failure) {
    var tar = node.entry
    tar.path = path
    if let owner = destination.owner {
      tar.uid = owner.uid
      tar.gid = owner.gid
    }
    if let mode, !tar.isSymlink { tar.mode = mode.applied(to: tar.mode, isDirectory: tar.kind == .directory) }
    // In a layer such a name would remove another file (OCI image-spec, layer.md, "Whiteouts").
    guard path.lastComponent?.sortKey.starts(with: Self.whiteoutPrefix) != true else {
      throw Failure(
        .invalidArgument, reason: "copy-name-reserved", "'/\(path)' has a name that layers keep for removed files",
        hint: "rename it, or leave it out with --exclude or .dockerignore")
    }
    try addParents(of: path)
    try checkPlace(of: tar, replaces: replaces)
    byPath[PathKey(path)] = Collected(
      entry: LayerEntry(tar: tar, body: node.body, digest: node.digest), link: node.link)
  }

  /// Whether something is to stand at `path` already.
  func holds(_ path: FilePath) -> Bool { byPath[PathKey(path)] != nil }

  /// The destination itself when it is a directory.
  mutating func addDirectory(_ path: FilePath) throws(Failure) {
    guard !path.isEmpty, !holds(path) else { return }
    try addParents(of: path)
    try addParent(path)
  }

  private mutating func addParents(of path: FilePath) throws(Failure) {
    let parent = PathKey(path.removingLastComponent())
    // What is a directory here stays one.
    if parent == knownParent { return }
    var missing: [FilePath] = []
    var above = path
    while above.removeLastComponent(), !above.isEmpty {
      if let known = byPath[PathKey(above)]?.entry.tar {
        guard known.kind == .directory else { throw inTheWay(above, known.kind, "a directory") }
        break
      }
      missing.append(above)
    }
    for parent in missing.reversed() { try addParent(parent) }
    knownParent = parent
  }

  private mutating func addParent(_ path: FilePath) throws(Failure) {
    let existing = try rootEntry(path, isDirectory: true)
    let tar = try destination.parent(path, existing: existing)
    byPath[PathKey(path)] = Collected(entry: LayerEntry(tar: tar, body: .none, digest: nil), link: nil)
  }

  private mutating func checkPlace(of tar: TarEntry, replaces: Bool) throws(Failure) {
    var before = byPath[PathKey(tar.path)]?.entry.tar
    if before == nil, !replaces { before = try rootEntry(tar.path, isDirectory: tar.kind == .directory) }
    guard let before, (before.kind == .directory) != (tar.kind == .directory) else { return }
    throw inTheWay(tar.path, before.kind, tar.kind == .directory ? "a directory" : "a file")
  }

  /// What the root has at `path`; asks only where the directory above is there.
  ///
  /// What is to be no directory has nothing below it, and need not be known later.
  private mutating func rootEntry(_ path: FilePath, isDirectory: Bool) throws(Failure) -> TarEntry? {
    // Parents come first, so the one above is known.
    guard isInRoot[PathKey(path.removingLastComponent())] ?? true else {
      if isDirectory { isInRoot[PathKey(path)] = false }
      return nil
    }
    let entry = try destination.root.node(path)?.entry
    if isDirectory { isInRoot[PathKey(path)] = entry?.kind == .directory }
    return entry
  }

  private func inTheWay(_ path: FilePath, _ kind: TarEntry.Kind, _ wanted: String) -> Failure {
    let (word, hint) =
      switch kind {
      case .directory: ("a directory", "remove it in an earlier RUN, or copy to another name")
      case .symlink(let target): ("a link to '\(target)'", "copy to '\(target)', or remove the link in an earlier RUN")
      default: ("a file", "remove it in an earlier RUN, or copy to another name")
      }
    return Failure(
      .invalidArgument, reason: "copy-in-the-way", "'/\(path)' is \(word), where \(wanted) is to be copied",
      hint: hint)
  }
}

extension TarEntry {
  var isSymlink: Bool { if case .symlink = kind { true } else { false } }
}
