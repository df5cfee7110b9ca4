import Diagnostics
import Glibc
import SystemPackage

/// Makes a `.git` that knows one commit and where it came from, as a clone of depth 1 leaves it.
struct GitDirectory {
  let commit: ObjectID
  /// Whether the commit has parents, which the repository does not have then.
  let isShallow: Bool
  let address: GitAddress
  /// The full name of the reference, or the commit's id.
  let reference: String

  /// Writes into `folder`, which is there and empty. `worktree` is where the files lie, so that git need not read them
  /// to see that they are the commit's.
  func write(_ mounted: MountedTrees, into folder: FilePath, worktree: FilePath?, limits: GitLimits) throws(Failure) {
    guard let root = mounted.trees.first else { return }
    for name in ["objects", "objects/pack", "refs", "refs/heads", "refs/tags", "info"] {
      try make(folder.appending(name))
    }
    try writePack(root, folder.appending("objects/pack"), limits)
    try writeIndex(root, folder.appending("index"), worktree, limits)
    try StoreFolder.write(config, to: folder.appending("config"), mode: 0o644)
    try StoreFolder.write(head, to: folder.appending("HEAD"), mode: 0o644)
    if isShallow { try StoreFolder.write("\(commit.hex)\n", to: folder.appending("shallow"), mode: 0o644) }
    if let references { try StoreFolder.write(references, to: folder.appending("packed-refs"), mode: 0o644) }
  }

  private func make(_ path: FilePath) throws(Failure) {
    guard path.withPlatformString({ mkdir($0, 0o755) }) == 0 else { throw .gitFile(errno, "made", path) }
  }

  private var branch: String? {
    reference.hasPrefix("refs/heads/") ? String(reference.dropFirst("refs/heads/".count)) : nil
  }

  private var head: String { branch.map { "ref: refs/heads/\($0)\n" } ?? "\(commit.hex)\n" }

  /// Packed, so that a name with slashes needs no folders.
  private var references: String? {
    var names: [String] = []
    if let branch {
      names = ["refs/heads/\(branch)", "refs/remotes/origin/\(branch)"]
    } else if reference.hasPrefix("refs/") {
      names = [reference]
    }
    guard !names.isEmpty else { return nil }
    return "# pack-refs with: peeled fully-peeled sorted \n" + names.sorted().map { "\(commit.hex) \($0)\n" }.joined()
  }

  /// The address's own text has neither user nor password of http; a quote or backslash in it is escaped.
  private var config: String {
    let url = address.url.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    let isPlain = commit.format == .sha1
    return """
      [core]
      \trepositoryformatversion = \(isPlain ? 0 : 1)
      \tfilemode = true
      \tbare = false
      \tlogallrefupdates = true
      \(isPlain ? "" : "[extensions]\n\tobjectformat = \(commit.format.rawValue)\n")[remote "origin"]
      \turl = "\(url)"
      \tfetch = +refs/heads/*:refs/remotes/origin/*

      """
  }

  private func writePack(_ root: MountedTree, _ folder: FilePath, _ limits: GitLimits) throws(Failure) {
    let contents = ObjectContents(root.source)
    var objects = [(commit, try contents.find(commit)), (root.tree, try contents.find(root.tree))]
    var seen: Set<ObjectID> = [commit, root.tree]
    var walk = TreeWalk(root.tree, contents: contents, limits: limits)
    while let item = try walk.next() {
      guard item.mode != .submodule else { continue }
      guard seen.insert(item.id).inserted else { continue }
      if let content = item.content {
        objects.append((item.id, content))
      } else {
        objects.append((item.id, try contents.find(item.id)))
      }
    }
    let pack = try PackFileWriter(in: folder, format: commit.format, count: objects.count)
    for (id, object) in objects { try pack.append(id, object, in: try contents.file(object.file)) }
    try pack.finish()
  }

  /// The index, version 2 (gitformat-index).
  private func writeIndex(
    _ root: MountedTree, _ path: FilePath, _ worktree: FilePath?, _ limits: GitLimits
  ) throws(Failure) {
    let contents = ObjectContents(root.source)
    var walk = TreeWalk(root.tree, contents: contents, limits: limits)
    var count: UInt32 = 0
    while let item = try walk.next() { if item.mode != .directory { count += 1 } }
    let output = try HashedOutput(path, commit.format)
    try output.append("DIRC".utf8)
    try output.append(number: UInt32(2))
    try output.append(number: count)
    walk = TreeWalk(root.tree, contents: contents, limits: limits)
    while let item = try walk.next() {
      guard item.mode != .directory else { continue }
      let start = output.position
      for field in fields(item, worktree) { try output.append(number: field) }
      try output.append(item.id.bytes)
      try output.append(number: UInt16(min(item.path.count, 0xFFF)))
      try output.append(item.path)
      // One to eight NULs, so that an entry's length is a multiple of eight.
      try output.append(repeatElement(0, count: 8 - Int((output.position - start) % 8)))
    }
    _ = try output.finish()
  }

  /// Times, device, inode, mode, owner and size; what is unknown is 0 and makes git look at the file.
  private func fields(_ item: TreeItem, _ worktree: FilePath?) -> [UInt32] {
    var status = stat()
    if let worktree { _ = worktree.pushing(filePath(item.path)).withPlatformString { lstat($0, &status) } }
    func word(_ number: some BinaryInteger) -> UInt32 { UInt32(truncatingIfNeeded: number) }
    return [
      word(status.st_ctim.tv_sec), word(status.st_ctim.tv_nsec), word(status.st_mtim.tv_sec),
      word(status.st_mtim.tv_nsec), word(status.st_dev), word(status.st_ino), item.mode.rawValue, word(status.st_uid),
      word(status.st_gid), item.mode == .submodule ? 0 : word(item.content?.size ?? 0),
    ]
  }
}
