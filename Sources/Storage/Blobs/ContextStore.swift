import Diagnostics
import OCI
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Uploaded build contexts by digest, in the folder `contexts`; equal uploads are one file.
///
/// Which organisation may use one, and until when, is in the ledger's `ContextRecord`s.
package final class ContextStore: Sendable {
  private let folder: DigestFolder

  init(root: FilePath, uploads: FilePath, durability: Durability) throws(Failure) {
    folder = DigestFolder(root: root, uploads: uploads, layout: .flat, durability: durability)
    try root.makeDirectory()
  }

  /// Begins an upload; `commit` gives its digest.
  package func writer() throws(Failure) -> BlobWriter { try folder.writer(.sha256) }

  /// The archive's file, or nil when it is gone.
  package func path(of digest: Digest) -> FilePath? {
    let path = folder.path(of: digest)
    return path.fileSize == nil ? nil : path
  }

  /// Removes the archive; false when there was none.
  @discardableResult
  package func delete(_ digest: Digest) throws(Failure) -> Bool { try folder.delete(digest) }

  /// Removes every archive that is not in `used` and was last uploaded before `moment`; the number of them.
  ///
  /// `moment` leaves time between an upload's commit and its row in the ledger.
  @discardableResult
  package func removeUnused(except used: Set<Digest>, uploadedBefore moment: Timestamp) throws(Failure) -> Int {
    let names = Set(used.map(\.hex))
    var removed = 0
    for name in try folder.root.entries() where !names.contains(name) {
      let path = folder.root.appending(name)
      guard let status = try? path.stat(), status.type == .regular,
        Int64(status.st_mtim.tv_sec) * 1000 < moment.milliseconds
      else { continue }
      try path.removeFile()
      removed += 1
    }
    return removed
  }
}
