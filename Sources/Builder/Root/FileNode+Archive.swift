import Archive
import SystemPackage

extension FileNode {
  /// An archive's entry; a hard link is the file it names, `archive` telling its files from those of other archives.
  init(_ found: IndexedEntry, bodies: [FilePath], linked: Set<FilePath>, archive: String) {
    self.init(entry: found.entry, body: .none, digest: found.contentDigest)
    switch found.entry.kind {
    case .hardLink(let target):
      entry.kind = .file
      link = .member(target, of: archive)
    case .file:
      link = !linked.isEmpty && linked.contains(found.entry.path) ? .member(found.entry.path, of: archive) : nil
    default: return
    }
    body = .range(bodies[found.fileNumber], offset: found.bodyOffset, length: found.entry.size)
  }
}

extension ArchiveIndex {
  /// Files that hard links name.
  var linkedFiles: Set<FilePath> {
    var linked: Set<FilePath> = []
    for found in entries { if case .hardLink(let target) = found.entry.kind { linked.insert(target) } }
    return linked
  }
}
