import Diagnostics

/// Every entry of a tree and of the trees below it, parents first, in git's order; checked as it goes.
///
/// Nothing is recursive, so depth costs no stack; only the trees on the way down are held. Refused are the names of
/// `EntryName`, entries out of order, twice, or both file and directory (`git-tree-invalid`), and what exceeds the
/// limits (`git-tree-too-large`).
struct TreeWalk {
  /// One tree on the way down. `files` are the names that a directory of the same name could still follow.
  private struct Level {
    var tree: TreeReader
    var byteCount: Int
    /// Bytes of the path above the names in here, its slash included.
    var prefix: Int
    var previous: [UInt8] = []
    var previousIsDirectory = false
    var files: [[UInt8]] = []
  }

  /// Trees held at one time, together.
  private static let heldLimit = 64 << 20
  private static let pathLimit = 4096

  private let contents: ObjectContents
  private let limits: GitLimits
  private let needsContents: Bool
  private var levels: [Level] = []
  private var path: [UInt8] = []
  private var held = 0
  private var pending: ObjectID?
  private(set) var entries = 0
  /// Of files and links together.
  private(set) var bytes: Int64 = 0

  /// Walks below the tree `root`; without `needsContents` blobs may be missing.
  init(_ root: ObjectID, contents: ObjectContents, limits: GitLimits, needsContents: Bool = true) {
    self.contents = contents
    self.limits = limits
    self.needsContents = needsContents
    pending = root
  }

  /// The next entry; nil after the last.
  mutating func next() throws(Failure) -> TreeItem? {
    if let tree = pending {
      pending = nil
      try descend(into: tree)
    }
    while var level = levels.popLast() {
      path.removeSubrange(level.prefix...)
      guard let entry = try level.tree.next() else {
        held -= level.byteCount
        continue
      }
      try check(entry, in: &level)
      path.append(contentsOf: entry.name)
      levels.append(level)
      return try item(entry)
    }
    return nil
  }

  private mutating func item(_ entry: TreeEntry) throws(Failure) -> TreeItem {
    guard path.count <= Self.pathLimit else { throw invalid("a path of more than \(Self.pathLimit) bytes") }
    entries += 1
    guard entries <= limits.files else {
      throw tooLarge("more than \(limits.files) files and directories", "files")
    }
    if entries & 1023 == 0 { try checkGitCancellation() }
    var item = TreeItem(path: path, mode: entry.mode, id: entry.id)
    switch entry.mode {
    case .directory:
      pending = entry.id
      path.append(UInt8(ascii: "/"))
    case .submodule: break
    case .file, .executable, .link:
      item.content = try content(entry.id)
    }
    return item
  }

  private mutating func content(_ id: ObjectID) throws(Failure) -> StoredObject? {
    guard let found = needsContents ? try contents.find(id) : try contents.findIfPresent(id) else { return nil }
    guard found.kind == .blob else {
      throw invalid("'\(quoted(path))' with a \(found.kind.name) for content")
    }
    bytes += found.size
    guard bytes <= limits.unpackedSize.bytes else {
      throw tooLarge("more than \(limits.unpackedSize) of files", "unpacked-size")
    }
    return found
  }

  private mutating func descend(into tree: ObjectID) throws(Failure) {
    guard levels.count < limits.treeDepth else {
      throw tooLarge("directories more than \(limits.treeDepth) deep", "tree-depth")
    }
    let object = try contents.find(tree)
    // Before it is read, so that never more than the limit is held.
    guard object.size <= Int64(Self.heldLimit - held) else {
      throw tooLarge("directories of more than \(Self.heldLimit >> 20) MiB", "files")
    }
    let bytes = try contents.bytes(tree, .tree, limit: ByteCount(Int64(Self.heldLimit)))
    held += bytes.count
    levels.append(Level(tree: TreeReader(bytes, id: tree), byteCount: bytes.count, prefix: path.count))
  }

  private func check(_ entry: TreeEntry, in level: inout Level) throws(Failure) {
    let problem = entry.name.withUnsafeBytes { EntryName.problem($0) }
    if let problem { throw invalid("the name '\(quoted(path + entry.name))', which \(problem)") }
    if entry.mode == .link, entry.name.withUnsafeBytes({ EntryName.isDotGitModules($0) }) {
      throw invalid("'\(quoted(path + entry.name))' as a symbolic link")
    }
    let isDirectory = entry.mode == .directory
    if !level.previous.isEmpty {
      if entry.name == level.previous { throw invalid("'\(quoted(path + entry.name))' twice") }
      guard
        treeOrder(level.previous, level.previousIsDirectory, precedes: entry.name, isDirectory)
      else { throw invalid("'\(quoted(path + entry.name))' out of order") }
    }
    // Between a file and a directory of its name there can only be names that begin with it.
    while let last = level.files.last, !entry.name.starts(with: last) { level.files.removeLast() }
    if isDirectory, level.files.last == entry.name {
      throw invalid("'\(quoted(path + entry.name))' as a file and as a directory")
    }
    if !isDirectory { level.files.append(entry.name) }
    level.previous = entry.name
    level.previousIsDirectory = isDirectory
  }

  private func invalid(_ what: String) -> Failure {
    Failure(
      .invalidArgument, reason: "git-tree-invalid", "a tree of the commit holds \(what)",
      hint: "no checkout of it is safe; look at it with 'git fsck'")
  }

  private func tooLarge(_ what: String, _ limit: String) -> Failure {
    .gitLimit("git-tree-too-large", "the commit holds \(what)", name: limit)
  }
}

/// A path or name for messages: what is no text or would move a terminal's cursor is shown escaped.
func quoted(_ bytes: [UInt8]) -> String {
  String(decoding: bytes.prefix(512), as: UTF8.self).unicodeScalars.map { scalar in
    scalar.value < 0x20 || scalar.value == 0x7F || (0x80..<0xA0).contains(scalar.value)
      ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
  }.joined()
}

/// Git's order of names in a tree: bytes, a directory's name as if a slash followed (`base_name_compare`).
func treeOrder(_ a: [UInt8], _ aIsDirectory: Bool, precedes b: [UInt8], _ bIsDirectory: Bool) -> Bool {
  let shared = min(a.count, b.count)
  for index in 0..<shared where a[index] != b[index] { return a[index] < b[index] }
  func end(_ name: [UInt8], _ isDirectory: Bool) -> UInt8 {
    name.count > shared ? name[shared] : isDirectory ? UInt8(ascii: "/") : 0
  }
  return end(a, aIsDirectory) < end(b, bIsDirectory)
}
