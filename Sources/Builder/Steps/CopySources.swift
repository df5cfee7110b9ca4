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

  /// The layer's entries in tar order: parents before children, no path twice.
  func entries() throws(Failure) -> [LayerEntry] {
    let found = try matches()
    guard found.count == 1 || action.sources.count == 1 || action.endsWithSlash else {
      throw Failure(
        .invalidArgument, reason: "copy-destination-not-directory",
        "the destination '\(action.destination)' of several sources does not end with a slash",
        hint: "write '\(action.destination)/'")
    }
    var collector = EntryCollector(destination: destination, mode: action.mode)
    let many = found.count > 1 || action.endsWithSlash
    for source in found { try place(source, many: many, into: &collector) }
    return collector.entries
  }

  private enum Match {
    /// `name` is the source's own last word, which a link it is does not change.
    case path(FilePath, name: FilePath.Component?)
    case inline(name: FilePath.Component, content: String)
  }

  private func matches() throws(Failure) -> [Match] {
    var found: [Match] = []
    for source in action.sources {
      switch source {
      case .inline(let name, let content):
        guard let component = FilePath.Component(name) else {
          throw Failure(.invalidArgument, reason: "copy-name-invalid", "'\(name)' is not a file name")
        }
        found.append(.inline(name: component, content: content))
      case .path(let word): found += try paths(word)
      }
    }
    // BuildKit: a pattern may match nothing, as in `COPY package.json package-lock.json* ./`.
    // Here: not all of them, because a COPY of nothing is a mistake.
    if found.isEmpty, case .path(let word)? = action.sources.first { throw missing(word, FilePath(word)) }
    return found
  }

  /// A pattern's matches sorted by name, or the one path it is; that one missing throws `copy-source-missing`.
  private func paths(_ word: String) throws(Failure) -> [Match] {
    // Docker: a source can never leave the context, however many `..` it has.
    let clean = FilePath(StagePlanner.resolve(word, from: "/")).removingRoot()
    guard word.contains(where: { "*?[".contains($0) }) else {
      let path = try tree.resolve(clean, followLast: true)
      guard try tree.node(path) != nil else { throw missing(word, clean) }
      return [.path(path, name: clean.lastComponent)]
    }
    var matches = [FilePath()]
    for component in clean.components {
      let pattern = try PathPattern(component.string, style: .source)
      var next: [FilePath] = []
      for parent in matches {
        let directory = try tree.resolve(parent, followLast: true)
        for name in try tree.names(in: directory) where pattern.matches(name.string) {
          next.append(directory.appending(name))
        }
      }
      matches = next
    }
    var found: [Match] = []
    for match in matches {
      found.append(.path(try tree.resolve(match, followLast: true), name: match.lastComponent))
    }
    return found
  }

  private func missing(_ word: String, _ path: FilePath) -> Failure {
    let ignored = isIgnored(path)
    let place = action.origin == .context ? "the build context" : "the copied stage or image"
    return Failure(
      .invalidArgument, reason: "copy-source-missing", "'\(word)' is not in \(place)",
      hint: ignored
        ? "it is there, but .dockerignore excludes it"
        : "paths are relative to the root of \(place); check the spelling")
  }

  private func place(_ match: Match, many: Bool, into collector: inout EntryCollector) throws(Failure) {
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
        try copyContents(of: path, excludedFrom: path, to: destination.directory, into: &collector)
      } else if action.unpacksArchives, let unpacked = try UnpackedArchive(node, scratch: scratch) {
        try collector.addDirectory(destination.directory)
        for node in unpacked.nodes {
          try collector.add(node, at: destination.directory.appending(node.entry.path.components), replaces: true)
        }
      } else if let name {
        try collector.add(node, at: destination.file(named: name, isDirectory: many))
      }
    }
  }

  private func copyContents(
    of directory: FilePath, excludedFrom root: FilePath, to target: FilePath, into collector: inout EntryCollector
  ) throws(Failure) {
    let rules = action.excludes.isEmpty ? nil : try IgnoreRules(patterns: action.excludes)
    var open: [(FilePath, FilePath)] = [(directory, target)]
    while let (from, to) = open.popLast() {
      for name in try tree.names(in: from) {
        let path = from.appending(name)
        guard let node = try tree.node(path) else { continue }
        var isDirectory = false
        if case .directory = node.entry.kind { isDirectory = true }
        if let rules {
          let inside = path.components.dropFirst(root.components.count).map(\.string).joined(separator: "/")
          if rules.ignores(inside, isDirectory: isDirectory) { continue }
        }
        try collector.add(node, at: to.appending(name))
        if isDirectory { open.append((path, to.appending(name))) }
      }
    }
  }
}
