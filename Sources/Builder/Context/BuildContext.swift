import Archive
import Diagnostics
import Dockerfile
import OCI
import SystemPackage

/// The build context: an index over an uncompressed tar or the objects of a git tree, never unpacked to files, or over a
/// directory, never copied.
///
/// What .dockerignore excludes is not in the tree; the Dockerfile is read from the whole index, as BuildKit does.
struct BuildContext: SourceTree {
  /// Bound on what a context may hold when unpacked; a compressed bomb ends here.
  static let limit = ByteCount.mebibytes(64 << 10)
  static let dockerfileLimit = ByteCount.mebibytes(4)

  private let bodies: [FilePath]
  /// Where the files are when nobody packed them.
  private let directory: RootDirectory?
  private let everything: [PathKey: IndexedEntry]
  private let nodes: [PathKey: IndexedEntry]
  private let children: [PathKey: [FilePath.Component]]
  /// What the build can see: files and their bytes.
  let summary: BuildEvent.SourceSummary
  /// Paths that .dockerignore took out, for hints.
  private let ignored: Set<FilePath>
  /// Directories nothing is wanted of, and that were not looked into.
  private let pruned: Set<FilePath>
  private let linked: Set<FilePath>

  /// Reads an archive or a directory once; `scratch` takes the uncompressed copy where one is needed.
  ///
  /// `NAME.dockerignore` beside the Dockerfile wins over `.dockerignore` (Docker documentation, "Filename and location").
  init(
    _ source: BuildOrder.Source, subPath: String = "", scratch: FilePath, dockerfile: String
  ) throws(Failure) {
    try self.init(
      source, subPath: subPath, scratch: scratch,
      ignoreFiles: [FilePath(dockerfile + ".dockerignore"), ".dockerignore"])
  }

  /// The same; the first of `ignoreFiles` that is there says what is left out.
  init(
    _ source: BuildOrder.Source, subPath: String = "", scratch: FilePath, ignoreFiles: [FilePath]
  ) throws(Failure) {
    switch source {
    case .archive(let archive):
      try self.init(ArchiveNormalizer.tar(from: archive, into: scratch).subtree(FilePath(subPath)), ignoreFiles)
    case .tree(let index): try self.init(index.subtree(FilePath(subPath)), ignoreFiles)
    case .directory(let path): try self.init(directory: path.appending(subPath), ignoreFiles)
    }
  }

  /// The context as it lies indexed; the files it names must stay as long as the build.
  private init(_ index: ArchiveIndex, _ ignoreFiles: [FilePath]) throws(Failure) {
    let everything = Self.byPath(index.entries)
    let rules = try Self.rules(ignoreFiles) { (path) throws(Failure) in
      try Self.contents(path, everything, bodies: index.files, limit: Self.dockerfileLimit)
    }
    self.init(everything, rules, bodies: index.files, linked: index.linkedFiles)
  }

  private init(directory: FilePath, _ ignoreFiles: [FilePath]) throws(Failure) {
    let root = try RootDirectory(directory)
    let rules = try Self.rules(ignoreFiles) { (path) throws(Failure) in try Self.contents(path, of: root) }
    let listing = try DirectoryListing(of: directory) { rules?.canSkip(directory: $0.string) ?? false }
    let everything = Self.byPath(listing.entries)
    var linked: Set<FilePath> = []
    for found in listing.entries { if case .hardLink(let target) = found.entry.kind { linked.insert(target) } }
    self.init(everything, rules, bodies: [directory], linked: linked, directory: root, pruned: listing.pruned)
  }

  private static func byPath(_ entries: [IndexedEntry]) -> [PathKey: IndexedEntry] {
    var everything: [PathKey: IndexedEntry] = [:]
    everything.reserveCapacity(entries.count)
    for entry in entries { everything[PathKey(entry.entry.path)] = entry }
    return everything
  }

  private init(
    _ everything: [PathKey: IndexedEntry], _ rules: IgnoreRules?, bodies: [FilePath], linked: Set<FilePath>,
    directory: RootDirectory? = nil, pruned: Set<FilePath> = []
  ) {
    self.everything = everything
    self.bodies = bodies
    self.linked = linked
    self.directory = directory
    self.pruned = pruned
    var nodes = everything
    var ignored: Set<FilePath> = []
    var files = 0
    var bytes: Int64 = 0
    for (key, entry) in everything {
      var isDirectory = false
      if case .directory = entry.entry.kind { isDirectory = true }
      if let rules, rules.ignores(key.path.string, isDirectory: isDirectory) {
        ignored.insert(key.path)
        nodes[key] = nil
        continue
      }
      if !isDirectory {
        files += 1
        bytes += entry.entry.size
      }
    }
    let children = Self.children(&nodes, of: everything)
    self.nodes = nodes
    self.children = children.mapValues { names in
      // The bytes of a name are taken out of it once, not for each comparison.
      names.map { (key: $0.sortKey, name: $0) }.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map(\.name)
    }
    self.ignored = ignored
    summary = BuildEvent.SourceSummary(files: files, size: ByteCount(bytes))
  }

  /// The names in each directory. Archives may leave directories out; each is there when something in it is.
  private static func children(
    _ nodes: inout [PathKey: IndexedEntry], of everything: [PathKey: IndexedEntry]
  ) -> [PathKey: [FilePath.Component]] {
    var children: [PathKey: [FilePath.Component]] = [:]
    var open = nodes.keys.map(\.path)
    while let path = open.popLast() {
      guard let name = path.lastComponent else { continue }
      let above = PathKey(path.removingLastComponent())
      if children[above]?.append(name) != nil { continue }
      children[above] = [name]
      if above.path.isEmpty || nodes[above] != nil { continue }
      nodes[above] = everything[above] ?? implied(above.path)
      open.append(above.path)
    }
    return children
  }

  /// The Dockerfile's text; throws `dockerfile-missing` with what the context holds instead.
  func dockerfile(_ path: String) throws(Failure) -> String {
    guard let bytes = try contents(FilePath(path)) else {
      let top = Set(everything.keys.compactMap { $0.path.components.first?.string }).sorted().prefix(12)
      let candidates = everything.keys.map(\.path.string).filter { $0.lowercased().contains("dockerfile") }.sorted()
      throw Failure(
        .invalidArgument, reason: "dockerfile-missing",
        "the context holds no '\(path)': please provide a valid path to a Dockerfile within the build context",
        hint: candidates.isEmpty
          ? "give its path with --dockerfile; the context's root holds: " + top.joined(separator: ", ")
          : "did you mean --dockerfile \(candidates[0])?")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.invalidArgument, reason: "dockerfile-not-text", "'\(path)' is not UTF-8 text")
    }
    return text
  }

  /// Whether the context has the file, ignored or not.
  func hasFile(_ path: String) -> Bool { ((try? contents(FilePath(path))) ?? nil) != nil }

  /// What a starter is chosen by.
  var root: ContextRoot {
    let names = Set(everything.keys.compactMap { $0.path.components.first?.string })
    return ContextRoot(names: names) { name in (try? contents(FilePath(name))) ?? nil }
  }

  /// Whether others may write to the files while they are read.
  var isChangeable: Bool { directory != nil }

  /// Whether .dockerignore is why a path is missing.
  func isIgnored(_ path: FilePath) -> Bool {
    if ignored.contains(path) { return true }
    guard let directory, pruned.contains(where: { path.starts(with: $0) }) else { return false }
    return (try? directory.status(path, followLast: false)) != nil
  }

  func node(_ path: FilePath) throws(Failure) -> FileNode? {
    if path.isEmpty { return .root }
    guard let found = nodes[PathKey(path)] else { return nil }
    var node = FileNode(found, bodies: bodies, linked: linked, archive: "context")
    // Docker: files of the context belong to root, whoever owned them on the sender's machine.
    node.entry.uid = 0
    node.entry.gid = 0
    if let directory, case .file = node.entry.kind { node.body = .changeable(directory, path) }
    return node
  }

  func names(in path: FilePath) -> [FilePath.Component] { children[PathKey(path)] ?? [] }

  private static func implied(_ directory: FilePath) -> IndexedEntry {
    IndexedEntry(entry: TarEntry(path: directory, kind: .directory, mode: 0o755), bodyOffset: 0, contentDigest: nil)
  }

  private static func rules(
    _ ignoreFiles: [FilePath], contents: (FilePath) throws(Failure) -> [UInt8]?
  ) throws(Failure) -> IgnoreRules? {
    for path in ignoreFiles {
      if let bytes = try contents(path) {
        return try IgnoreRules(text: String(decoding: bytes, as: UTF8.self), file: path.string)
      }
    }
    return nil
  }

  private func contents(_ path: FilePath) throws(Failure) -> [UInt8]? {
    if let directory { return try Self.contents(path, of: directory) }
    return try Self.contents(path, everything, bodies: bodies, limit: Self.dockerfileLimit)
  }

  private static func contents(_ path: FilePath, of directory: RootDirectory) throws(Failure) -> [UInt8]? {
    do throws(Failure) {
      return try directory.contents(of: path, limit: dockerfileLimit)
    } catch {
      guard ["file-not-found", "file-kind"].contains(error.reason) else { throw error }
      return nil
    }
  }

  private static func contents(
    _ path: FilePath, _ entries: [PathKey: IndexedEntry], bodies: [FilePath], limit: ByteCount
  ) throws(Failure) -> [UInt8]? {
    var path = path
    for _ in 0..<16 {
      guard let found = entries[PathKey(path)] else { return nil }
      switch found.entry.kind {
      case .file:
        return try FileReader(path: bodies[found.fileNumber], offset: found.bodyOffset, length: found.entry.size)
          .contents(limit: limit)
      case .hardLink(let target): path = target
      case .symlink(let target):
        path = path.removingLastComponent().pushing(target).lexicallyNormalized()
      default: return nil
      }
    }
    return nil
  }
}
