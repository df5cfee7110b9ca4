import Archive
import Diagnostics
import OCI
import Synchronization
import SystemPackage

/// Parts of the context as files on disk, for commands that have them mounted; each part is made once in a build.
final class ContextFiles: Sendable {
  private struct State {
    /// The directory that holds a part, by the part's path.
    var made: [FilePath: FilePath] = [:]
    var digests: [FilePath: Digest] = [:]
  }

  let context: BuildContext
  private let scratch: ScratchFolder
  private let xattrs: OverlayXattrs
  private let state = Mutex(State())

  init(_ context: BuildContext, scratch: ScratchFolder, xattrs: OverlayXattrs) {
    self.context = context
    self.scratch = scratch
    self.xattrs = xattrs
  }

  /// What stands at `path` and below it, as a digest.
  func digest(of path: FilePath) throws(Failure) -> Digest {
    if let known = state.withLock({ $0.digests[path] }) { return known }
    let digest = try CacheKey.files(at: path, in: context)
    state.withLock { $0.digests[path] = digest }
    return digest
  }

  /// A directory in which `path`, one without links in it, is as in the context; nobody may write there.
  func root(with path: FilePath) throws(Failure) -> FilePath {
    let wanted = context.isChangeable ? try digest(of: path) : nil
    // The lock is held all along: a second command that wants the same waits for it instead of making it again.
    return try state.withLock { (state) throws(Failure) in
      if let part = state.made.keys.first(where: { path.starts(with: $0) }), let root = state.made[part] { return root }
      let root = try scratch.directory("context-files")
      try Self.write(context, path, to: root, xattrs)
      if let wanted { try check(path, in: root, is: wanted) }
      state.made[path] = root
      return root
    }
  }

  /// What was copied must be what the cache key was made of.
  private func check(_ path: FilePath, in root: FilePath, is wanted: Digest) throws(Failure) {
    let copy = RootTree(layers: [DiskLayer(root: try RootDirectory(root), xattrs: xattrs)])
    guard try CacheKey.files(at: path, in: copy) != wanted else { return }
    throw Failure(
      .aborted, reason: "file-changed", "the context changed while '\(path.isEmpty ? "." : path.string)' was read",
      hint: "build again when nothing writes to it")
  }

  /// Makes what stands at `top` and below it, under its own path.
  private static func write(
    _ tree: BuildContext, _ top: FilePath, to root: FilePath, _ xattrs: OverlayXattrs
  ) throws(Failure) {
    try SourceCopy(tree: tree, root: root, xattrs: xattrs).write(top, as: top)
  }
}

/// Writes a part of a tree out as files.
struct SourceCopy<Tree: SourceTree> {
  let tree: Tree
  let root: FilePath
  let xattrs: OverlayXattrs

  /// Makes what stands at `top` and below it at `target` under the root; hard links within it stay links.
  func write(_ top: FilePath, as target: FilePath) throws(Failure) {
    let filler = try TreeFiller(root: root, xattrs: xattrs)
    var linked: [FileNode.LinkIdentity: FilePath] = [:]
    var open = [top]
    while let path = open.popLast() {
      if Task.isCancelled { throw Failure(.cancelled, reason: "cancelled", "the build was cancelled") }
      guard let node = try tree.node(path) else { continue }
      var entry = node.entry
      entry.path = target.appending(path.components.dropFirst(top.components.count))
      if case .file = entry.kind, let link = node.link {
        if let first = linked[link] {
          entry.kind = .hardLink(target: first)
          try filler.add(entry, body: nil)
          continue
        }
        linked[link] = entry.path
      }
      try filler.add(entry, body: try node.body.reader())
      if case .directory = entry.kind { open += try tree.names(in: path).map { path.appending($0) } }
    }
    try filler.finish()
  }
}
