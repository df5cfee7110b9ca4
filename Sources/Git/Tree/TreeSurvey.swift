import Diagnostics

/// What a tree holds, counted and checked before anything is made of it.
struct TreeSurvey: Sendable, Hashable {
  /// Files, links, directories and submodules.
  var entries = 0
  /// Files and links.
  var files = 0
  var bytes: Int64 = 0
  /// Where the submodules are, and their commits.
  var submodules: [TreeItem] = []
  /// Files that hold a pointer into Git LFS instead of their content.
  var pointers = 0
  var firstPointer: [UInt8]?

  init() {}

  /// Walks the whole tree; throws what `TreeWalk` throws.
  init(_ tree: ObjectID, source: any ObjectSource, limits: GitLimits) throws(Failure) {
    let contents = ObjectContents(source)
    var walk = TreeWalk(tree, contents: contents, limits: limits)
    while let item = try walk.next() {
      entries += 1
      switch item.mode {
      case .directory: continue
      case .submodule: submodules.append(item)
      case .link:
        files += 1
        try Self.checkTarget(item)
      case .file, .executable:
        files += 1
        guard let content = item.content, try LargeFilePointer.isPointer(content, contents) else { continue }
        pointers += 1
        if firstPointer == nil { firstPointer = item.path }
      }
    }
    bytes = walk.bytes
  }

  /// Puts another tree's figures to these; throws `git-tree-too-large` beyond the limits.
  mutating func add(_ other: TreeSurvey, at prefix: [UInt8], limits: GitLimits) throws(Failure) {
    entries += other.entries
    files += other.files
    bytes += other.bytes
    pointers += other.pointers
    if firstPointer == nil { firstPointer = other.firstPointer.map { mounted($0, at: prefix) } }
    guard entries <= limits.files, bytes <= limits.unpackedSize.bytes else {
      throw .gitLimit(
        "git-tree-too-large", "the commit and its submodules hold \(entries) files of \(ByteCount(bytes))",
        name: entries > limits.files ? "files" : "unpacked-size")
    }
  }

  private static let longestTarget: Int64 = 4095

  /// Linux's PATH_MAX: a longer target cannot be made, nor held in memory without harm.
  private static func checkTarget(_ item: TreeItem) throws(Failure) {
    guard let content = item.content, content.size > 0, content.size <= longestTarget else {
      throw Failure(
        .invalidArgument, reason: "git-tree-invalid",
        "the symbolic link '\(quoted(item.path))' of the commit has a target of \(item.content?.size ?? 0) bytes",
        hint: "a target has 1 to \(longestTarget) bytes; look at the commit with 'git fsck'")
    }
  }

  /// Says which files are pointers only; nil when none is.
  var pointerNote: String? {
    guard let firstPointer else { return nil }
    guard pointers > 1 else {
      return "'\(quoted(firstPointer))' is a pointer into Git LFS; the content behind it is not fetched"
    }
    return "\(pointers) files are pointers into Git LFS, '\(quoted(firstPointer))' the first; "
      + "the content behind them is not fetched"
  }
}

/// `path` below `prefix`.
func mounted(_ path: [UInt8], at prefix: [UInt8]) -> [UInt8] {
  prefix.isEmpty ? path : path.isEmpty ? prefix : prefix + [UInt8(ascii: "/")] + path
}
