import Diagnostics
import Glibc
import SystemPackage

/// What a directory of this machine holds, as the entries of a build's context. Contents are not read: a step that
/// wants a file's bytes reads them where they are.
package struct DirectoryListing: Sendable {
  /// Sorted by path, parents first; further names of a file are hard links to its first one. Nothing has a digest.
  package private(set) var entries: [IndexedEntry] = []
  /// Directories that were not looked into, since nothing in them is wanted.
  package private(set) var pruned: Set<FilePath> = []
  /// Sockets, pipes and devices, which no build can read, and which are not among the entries.
  package private(set) var special: [FilePath] = []

  private struct Inode: Hashable {
    var device: UInt64
    var number: UInt64
  }

  /// Walks the directory once, inside it and without following links. `canSkip` is asked for every directory, by its
  /// relative path; true leaves unread what is in it.
  ///
  /// Throws `file-permission` for a directory that may not be read, and `cancelled`.
  package init(of root: FilePath, canSkip: (FilePath) -> Bool = { _ in false }) throws(Failure) {
    let walker = try TreeWalker(root: root)
    var firstNames: [Inode: FilePath] = [:]
    while let item = try walker.next() {
      try checkCancellation()
      var entry = TarEntry(item)
      // Docker: files of the context belong to root, whoever owns them here.
      (entry.uid, entry.gid) = (0, 0)
      switch item.status.kind {
      case .directory:
        if canSkip(item.path) {
          pruned.insert(item.path)
          walker.prune()
        }
      case .symlink: entry.kind = .symlink(target: try item.parent.readLink(item.name))
      case .file where item.status.links > 1:
        let inode = Inode(device: item.status.device, number: item.status.inode)
        if let first = firstNames[inode] {
          entry.kind = .hardLink(target: first)
        } else {
          firstNames[inode] = item.path
        }
      case .file: break
      case .characterDevice, .blockDevice, .fifo, .socket:
        special.append(item.path)
        continue
      }
      // What may not be read is told where a step wants it.
      if case .file = entry.kind, item.parent.mayHaveAttributes(item.name),
        let file = try? item.parent.open(item.name, O_RDONLY | O_NONBLOCK)
      {
        defer { close(file) }
        entry.xattrs = try ExtendedAttributes.portable(of: file, path: item.path)
      }
      entries.append(IndexedEntry(entry: entry, bodyOffset: 0, contentDigest: nil))
    }
  }
}
