import Archive
import Diagnostics
import Dockerfile
import OCI
import SystemPackage

/// Finds what a COPY or ADD names and turns it into layer entries, as BuildKit places them.
struct CopySources {
  let action: CopyAction
  let tree: any SourceTree
  /// Explains a missing path in the context; false elsewhere.
  let isIgnored: (FilePath) -> Bool
  let destination: CopyDestination
  let scratch: ScratchFolder
  var fetched = FetchedSources()

  /// The layer's entries in tar order: parents before children, no path twice.
  func entries() throws(Failure) -> [LayerEntry] {
    let exclude = action.excludes.isEmpty ? nil : try IgnoreRules(patterns: action.excludes)
    let found = try matches(exclude)
    var collector = EntryCollector(destination: destination, mode: action.mode)
    let many = found.count > 1 || action.endsWithSlash
    for source in found { try place(source, many: many, exclude, into: &collector) }
    return collector.entries
  }

  private enum Match {
    /// `name` is the source's own last word, which a link it is does not change.
    case path(FilePath, name: FilePath.Component?)
    case inline(name: FilePath.Component, content: String)
    case file(FileNode, name: FilePath.Component?, unpacks: Bool)
    case tree(IndexTree)
    /// `--parents`: what `pattern` matches below `root`.
    case below(root: FilePath, pattern: PathPattern?, word: String)
  }

  private func matches(_ exclude: IgnoreRules?) throws(Failure) -> [Match] {
    var found: [Match] = []
    for source in action.sources {
      switch source {
      case .inline(let name, let content):
        guard let component = FilePath.Component(name) else {
          throw Failure(.invalidArgument, reason: "copy-name-invalid", "'\(name)' is not a file name")
        }
        found.append(.inline(name: component, content: content))
      case .path(let word) where action.keepsParents: found += try pivots(word)
      case .path(let word):
        for (path, name) in try paths(word) where try !isLeftOut(path, name, by: exclude) {
          found.append(.path(path, name: name))
        }
      case .url(let url, _, let unpacks):
        guard let node = fetched.file(source) else { throw Self.unfetched(url) }
        let name = RemoteSource.fileName(of: url).flatMap { FilePath.Component($0) }
        found.append(.file(node, name: name, unpacks: unpacks))
      case .git(let order):
        guard let tree = fetched.tree(source) else { throw Self.unfetched(order.source) }
        found.append(.tree(tree))
      }
    }
    return found
  }

  private static func unfetched(_ source: String) -> Failure {
    Failure(.internal, reason: "add-not-fetched", "'\(RemoteSource.shown(source))' was not fetched")
  }

  /// `--exclude` also takes out files that are named themselves, by their name: `COPY --exclude=*.md hom* /dir/`
  /// (Dockerfile reference, COPY --exclude).
  private func isLeftOut(
    _ path: FilePath, _ name: FilePath.Component?, by exclude: IgnoreRules?
  ) throws(Failure) -> Bool {
    guard let exclude, let name else { return false }
    if case .directory? = try tree.node(path)?.entry.kind { return false }
    return exclude.ignores(bytes: name.sortKey)
  }

  /// The two halves of a word of `--parents`: the directory that stays away, `/` or what stands before `/./`, and what
  /// is named below it.
  private func pivots(_ word: String) throws(Failure) -> [Match] {
    var (parent, named) = ("/", word)
    if let pivot = word.firstRange(of: "/./") {
      parent = String(word[..<pivot.lowerBound])
      named = String(word[pivot.upperBound...])
    }
    let clean = String(StagePlanner.resolve(named, from: "/").dropFirst())
    let pattern = clean.isEmpty ? nil : try PathPattern(clean, style: .ignore)
    var found: [Match] = []
    for (root, _) in try paths(parent) { found.append(.below(root: root, pattern: pattern, word: word)) }
    return found
  }

  /// A pattern's matches sorted by name, or the one path it is; that one missing throws `copy-source-missing`.
  ///
  /// BuildKit: a pattern may match nothing, be it the only source, as in `COPY .npmrc* ./`.
  private func paths(_ word: String) throws(Failure) -> [(FilePath, name: FilePath.Component?)] {
    // Docker: a source can never leave the context, however many `..` it has.
    let clean = FilePath(StagePlanner.resolve(word, from: "/")).removingRoot()
    guard word.contains(where: { "*?[\\".contains($0) }) else {
      let path = try tree.resolve(clean, followLast: true)
      guard try tree.node(path) != nil else { throw missing(word, clean) }
      return [(path, clean.lastComponent)]
    }
    var matches = [FilePath()]
    for component in clean.components {
      let pattern = try PathPattern(component.string, style: .source)
      var next: [FilePath] = []
      for parent in matches {
        try checkCancellation()
        let directory = try tree.resolve(parent, followLast: true)
        for name in try tree.names(in: directory) where pattern.matches(bytes: name.sortKey) {
          next.append(directory.appending(name))
        }
      }
      matches = next
    }
    var found: [(FilePath, name: FilePath.Component?)] = []
    for match in matches { found.append((try tree.resolve(match, followLast: true), match.lastComponent)) }
    // An escaped name is no pattern: it has to be there.
    if found.isEmpty, !word.contains(where: { "*?[".contains($0) }) { throw missing(word, clean) }
    return found
  }

  private func missing(_ word: String, _ path: FilePath) -> Failure {
    let ignored = isIgnored(path)
    let place =
      switch action.origin {
      case .context: "the build context"
      case .named(let name): "context '\(name)'"
      case .stage, .image: "the copied stage or image"
      }
    return Failure(
      .invalidArgument, reason: "copy-source-missing", "'\(word)' is not in \(place)",
      hint: ignored
        ? "it is there, but .dockerignore excludes it"
        : "paths are relative to the root of \(place); check the spelling")
  }

  private func place(
    _ match: Match, many: Bool, _ exclude: IgnoreRules?, into collector: inout EntryCollector
  ) throws(Failure) {
    switch match {
    case .inline(let name, let content):
      let bytes = Array(content.utf8)
      let target = destination.file(named: name, isDirectory: many)
      let entry = TarEntry(
        path: target, kind: .file, mode: 0o644, size: Int64(bytes.count), mtime: FileTime(seconds: destination.now))
      try collector.add(FileNode(entry: entry, body: .bytes(bytes), digest: Digest(sha256Of: bytes)), at: target)
    case .path(let path, let name):
      guard let node = try tree.node(path) else { return }
      if case .directory = node.entry.kind {
        try collector.addDirectory(destination.directory)
        try CopyWalk(tree: tree, exclude: exclude).copy(path, to: destination.directory, into: &collector)
      } else {
        try place(node, named: name, unpacks: action.unpacksArchives, many: many, into: &collector)
      }
    case .file(let node, let name, let unpacks):
      try place(node, named: name, unpacks: unpacks, many: many, into: &collector)
    case .tree(let tree):
      try collector.addDirectory(destination.directory)
      try CopyWalk(tree: tree, exclude: exclude).copy(FilePath(), to: destination.directory, into: &collector)
    case .below(let root, let pattern, let word):
      try collector.addDirectory(destination.directory)
      let walk = CopyWalk(tree: tree, include: pattern, exclude: exclude)
      let taken = try walk.copy(root, to: destination.directory, into: &collector)
      guard taken == 0, let literal = pattern?.literal, exclude == nil else { return }
      throw missing(word, root.appending(FilePath(literal).components))
    }
  }

  /// One file, under its own name where the destination is a directory; an archive's content instead where it `unpacks`.
  private func place(
    _ node: FileNode, named name: FilePath.Component?, unpacks: Bool, many: Bool, into collector: inout EntryCollector
  ) throws(Failure) {
    if unpacks, let unpacked = try UnpackedArchive(node, scratch: scratch) {
      try collector.addDirectory(destination.directory)
      for node in unpacked.nodes {
        try collector.add(node, at: destination.directory.appending(node.entry.path.components), replaces: true)
      }
    } else if let target = destination.place(ofFile: name, isDirectory: many) {
      try collector.add(node, at: target)
    } else {
      throw Failure(
        .invalidArgument, reason: "url-without-name", "the URL names no file to put into '\(action.destination)'",
        hint: "write the file's name at the end of the destination")
    }
  }
}
