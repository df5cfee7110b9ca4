import Diagnostics
import OCI
import SystemPackage

/// Puts an archive's entries together as unpacking them one after the other would leave them.
struct ArchiveIndexBuilder {
  private(set) var entries: [IndexedEntry] = []
  private var positions: [[UInt8]: Int] = [:]
  /// Hard links by the path they name: if that gets another content, they keep the old one.
  private var links: [[UInt8]: [Int]] = [:]
  private var totalBytes: Int64 = 0
  /// The parent of the entry before, most often that of the next one too.
  private var knownParent: [UInt8] = []

  /// Adds the next entry; `digest` is that of its body.
  mutating func add(_ entry: TarEntry, bodyOffset: Int64, digest: Digest?) throws(Failure) {
    let path = entry.path.bytes
    // The root's own entry says nothing a build could use.
    if path.isEmpty { return }
    try addParents(of: path, time: entry.mtime)
    var indexed = IndexedEntry(entry: entry, bodyOffset: entry.kind == .file ? bodyOffset : 0, contentDigest: digest)
    if case .hardLink(let target) = entry.kind {
      indexed = try resolve(entry, target.bytes)
      // GNU tar writes a link to itself for a file it is told to archive twice.
      if target == entry.path { return }
    }
    totalBytes += entry.size
    guard let position = positions[path] else {
      note(indexed, at: entries.count)
      positions[path] = entries.count
      entries.append(indexed)
      return
    }
    let old = entries[position].entry
    guard (old.kind == .directory) == (entry.kind == .directory) else {
      throw .archiveCorrupt("archive has '\(entry.path)' once as a directory and once as something else")
    }
    totalBytes -= Self.ownSize(old)
    for link in links.removeValue(forKey: path) ?? [] where link != position {
      if case .hardLink = entries[link].entry.kind {
        entries[link].entry.kind = .file
        totalBytes += entries[link].entry.size
      }
    }
    note(indexed, at: position)
    entries[position] = indexed
  }

  func index(file: FilePath) -> ArchiveIndex {
    ArchiveIndex(files: [file], entries: entries, totalBytes: ByteCount(totalBytes))
  }

  private static func ownSize(_ entry: TarEntry) -> Int64 { entry.kind == .file ? entry.size : 0 }

  private mutating func note(_ entry: IndexedEntry, at position: Int) {
    if case .hardLink(let target) = entry.entry.kind { links[target.bytes, default: []].append(position) }
  }

  /// Gives a hard link what it needs of the file it names; what is no file becomes a copy of its own.
  private func resolve(_ entry: TarEntry, _ target: [UInt8]) throws(Failure) -> IndexedEntry {
    guard let position = positions[target],
      entries[position].entry.kind != .directory
    else {
      throw .archiveCorrupt("archive has the hard link '\(entry.path)' to a file that is not in it before")
    }
    var result = entries[position]
    let original = result.entry
    result.entry = entry
    result.entry.size = original.size
    switch original.kind {
    case .file: break
    // A link to a link names the first file, so that none depends on another.
    case .hardLink(let first): result.entry.kind = .hardLink(target: first)
    default: result.entry.kind = original.kind
    }
    return result
  }

  /// Adds the directories above a path that the archive has no entries for; nothing may lie below what is none.
  private mutating func addParents(of path: [UInt8], time: FileTime) throws(Failure) {
    guard let last = path.lastIndex(of: UInt8(ascii: "/")) else { return }
    if path[..<last].elementsEqual(knownParent) { return }
    var end = path.startIndex
    while let slash = path[end...].firstIndex(of: UInt8(ascii: "/")) {
      let parent = Array(path[..<slash])
      end = slash + 1
      if let position = positions[parent] {
        switch entries[position].entry.kind {
        case .directory: continue
        case .symlink:
          throw .archivePathEscapes(
            "entry '\(ArchivePath.quoted(path))' lies below the link '\(ArchivePath.quoted(parent))'"
          )
        default:
          throw .archiveCorrupt("entry '\(ArchivePath.quoted(path))' lies below a file")
        }
      }
      positions[parent] = entries.count
      let entry = TarEntry(path: FilePath(bytes: parent), kind: .directory, mode: 0o755, mtime: time)
      entries.append(IndexedEntry(entry: entry, bodyOffset: 0, contentDigest: nil, isImplied: true))
    }
    knownParent = Array(path[..<last])
  }
}
