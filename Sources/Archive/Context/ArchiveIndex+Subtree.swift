import Diagnostics
import SystemPackage

extension ArchiveIndex {
  /// The entries below one directory, as if that were the root. Throws `context-directory-missing`.
  package func subtree(_ directory: FilePath) throws(Failure) -> ArchiveIndex {
    let top = FilePath(root: nil, directory.lexicallyNormalized().components)
    guard top.components.first?.kind != .parentDirectory else { throw Self.missing(directory) }
    if top.isEmpty { return self }
    let prefix = top.bytes + [UInt8(ascii: "/")]
    var inside: [IndexedEntry] = []
    var isThere = false
    for found in entries {
      if found.entry.path == top {
        guard found.entry.kind == .directory else { throw Self.missing(directory) }
        isThere = true
        continue
      }
      guard found.entry.path.bytes.starts(with: prefix) else { continue }
      var moved = found
      moved.entry.path = FilePath(bytes: Array(found.entry.path.bytes.dropFirst(prefix.count)))
      if case .hardLink(let target) = found.entry.kind {
        // A file whose first name lies outside is a file of its own here; the body is known by its place.
        moved.entry.kind =
          target.bytes.starts(with: prefix)
          ? .hardLink(target: FilePath(bytes: Array(target.bytes.dropFirst(prefix.count)))) : .file
      }
      inside.append(moved)
    }
    guard isThere || !inside.isEmpty else { throw Self.missing(directory) }
    var subtree = self
    subtree.entries = inside
    return subtree
  }

  private static func missing(_ directory: FilePath) -> Failure {
    Failure(
      .invalidArgument, reason: "context-directory-missing", "the context has no directory '\(directory)'",
      hint: "give a path relative to the context's root")
  }
}
