import Archive
import Diagnostics
import SystemPackage

/// Makes a build context's index of trees: the entries point into the object files, nothing is copied.
struct TreeIndexer {
  private var files: [FilePath] = []
  private var fileNumbers: [FilePath: Int] = [:]
  private var entries: [IndexedEntry] = []
  private var bytes: Int64 = 0

  static func index(_ mounted: MountedTrees, limits: GitLimits) throws(Failure) -> ArchiveIndex {
    var indexer = TreeIndexer()
    indexer.entries.reserveCapacity(mounted.survey.entries)
    for tree in mounted.trees { try indexer.add(tree, limits: limits) }
    return ArchiveIndex(files: indexer.files, entries: indexer.entries, totalBytes: ByteCount(indexer.bytes))
  }

  private mutating func add(_ mounted: MountedTree, limits: GitLimits) throws(Failure) {
    let contents = ObjectContents(mounted.source)
    // Here: files have the commit's time where BuildKit's have that of its checkout: the same commit is the same context
    // (`TreeIndexerTests/"every file has the commit's time"`).
    let time = FileTime(seconds: mounted.time)
    var walk = TreeWalk(mounted.tree, contents: contents, limits: limits)
    while let item = try walk.next() {
      let path = filePath(Git.mounted(item.path, at: mounted.prefix))
      switch item.mode {
      case .directory, .submodule:
        // A submodule is an empty directory, as after a `git clone` without them; its tree may follow.
        append(TarEntry(path: path, kind: .directory, mode: 0o755, mtime: time))
      case .link:
        guard let content = item.content else { continue }
        let target = filePath(try contents.bytes(of: content, prefix: content.size))
        append(TarEntry(path: path, kind: .symlink(target: target), mode: 0o777, mtime: time))
      case .file, .executable:
        guard let content = item.content else { continue }
        let mode: UInt16 = item.mode == .executable ? 0o755 : 0o644
        let entry = TarEntry(path: path, kind: .file, mode: mode, size: content.size, mtime: time)
        bytes += content.size
        append(entry, content)
      }
    }
  }

  private mutating func append(_ entry: TarEntry, _ content: StoredObject? = nil) {
    guard let content else {
      entries.append(IndexedEntry(entry: entry, bodyOffset: 0, contentDigest: nil))
      return
    }
    var number = fileNumbers[content.file]
    if number == nil {
      number = files.count
      fileNumbers[content.file] = files.count
      files.append(content.file)
    }
    entries.append(
      IndexedEntry(
        entry: entry, bodyOffset: content.offset, fileNumber: number ?? 0, contentDigest: content.digest))
  }
}

/// A path of raw bytes without NUL.
func filePath(_ bytes: [UInt8]) -> FilePath {
  FilePath(platformString: bytes.map { CChar(bitPattern: $0) } + [0])
}
