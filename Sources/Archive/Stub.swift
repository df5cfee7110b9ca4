import Diagnostics
import OCI
import SystemPackage
package struct IndexedEntry: Sendable { package var entry: TarEntry; package var bodyOffset: Int64; package var contentDigest: Digest?
 package init(entry: TarEntry, bodyOffset: Int64, contentDigest: Digest? = nil) { self.entry = entry; self.bodyOffset = bodyOffset; self.contentDigest = contentDigest } }
package struct ArchiveIndex: Sendable { package var bodies: FilePath; package var entries: [IndexedEntry]; package var totalBytes: Int64 }
package enum ArchiveNormalizer { package static func tar(from: FilePath, into: FilePath) throws(Failure) -> ArchiveIndex {
  let writer = try FileWriter(creating: into)
  _ = try Decompression.reader(over: try FileReader(path: from), limit: .mebibytes(64 << 10)).copy(to: writer)
  try writer.finish()
  let tar = TarReader(over: try FileReader(path: into), limits: .context)
  var entries: [IndexedEntry] = []
  while let entry = try tar.next() {
    var digest: Digest?
    let offset = tar.bodyOffset
    if entry.kind == .file { let h = HashingReader(over: tar); _ = try h.drain(); digest = h.digest }
    if !entry.path.isEmpty { entries.append(IndexedEntry(entry: entry, bodyOffset: offset, contentDigest: digest)) }
  }
  return ArchiveIndex(bodies: into, entries: entries, totalBytes: 0)
} }
