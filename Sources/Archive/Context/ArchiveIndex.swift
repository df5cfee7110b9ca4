import Diagnostics
import OCI
import SystemPackage

/// What an archive or a git tree holds and where: the entries, and the files with their bodies.
package struct ArchiveIndex: Sendable, Hashable {
  /// Where the bodies lie. Of an archive one uncompressed tar: itself when it was one, else the file made of it; of a
  /// git tree the object files its blobs are in.
  package var files: [FilePath]
  /// Every path once, parents before what is in them, else in the archive's order.
  package var entries: [IndexedEntry]
  /// Bodies of regular files together, hard links counted once.
  package var totalBytes: ByteCount

  package init(files: [FilePath], entries: [IndexedEntry], totalBytes: ByteCount) {
    self.files = files
    self.entries = entries
    self.totalBytes = totalBytes
  }

  /// Reads the body of one of the entries; of a hard link the body of the file it names.
  package func body(of entry: IndexedEntry) throws(Failure) -> FileReader {
    try FileReader(path: files[entry.fileNumber], offset: entry.bodyOffset, length: entry.entry.size)
  }
}

/// One entry of an indexed archive.
package struct IndexedEntry: Sendable, Hashable {
  /// The entry; the size of a hard link is that of the file it names.
  package var entry: TarEntry
  /// Where the body begins in its file; 0 for what has none.
  package var bodyOffset: Int64
  /// Which of the index's files holds the body.
  package var fileNumber: Int
  /// SHA-256 of the body of a regular file or of the file a hard link names; nil for everything else.
  package var contentDigest: Digest?
  /// A directory the archive has no entry for, only something in it.
  package var isImplied: Bool

  package init(
    entry: TarEntry, bodyOffset: Int64, fileNumber: Int = 0, contentDigest: Digest?, isImplied: Bool = false
  ) {
    self.entry = entry
    self.bodyOffset = bodyOffset
    self.fileNumber = fileNumber
    self.contentDigest = contentDigest
    self.isImplied = isImplied
  }
}
