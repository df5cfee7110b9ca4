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

  init(root: FilePath, uploads: FilePath, durability: Durability, clock: WallClock) throws(Failure) {
    folder = DigestFolder(
      root: root, uploads: uploads, layout: .flat, durability: durability, leases: BlobLeases(clock: clock))
    try root.makeDirectory()
  }

  /// Begins an upload; `commit` gives its digest.
  package func writer() throws(Failure) -> BlobWriter { try folder.writer(.sha256) }

  /// The archive's file, or nil when it is gone.
  package func path(of digest: Digest) -> FilePath? {
    let path = folder.path(of: digest)
    return path.fileSize == nil ? nil : path
  }

  /// Nil when the archive is gone.
  package func size(of digest: Digest) -> ByteCount? { folder.path(of: digest).fileSize }

  /// What was made of the archive and is kept beside it; nil when nothing is. The reader checks that it is whole.
  package func index(of digest: Digest) -> [UInt8]? {
    guard let descriptor = try? indexPath(of: digest).open(O_RDONLY, "opening an index") else { return nil }
    defer { try? descriptor.close() }
    return try? descriptor.readAll(limit: Self.indexLimit, of: indexPath(of: digest))
  }

  /// Keeps it until the archive goes. It can be made again, so nothing is forced to the disk.
  package func saveIndex(_ bytes: [UInt8], of digest: Digest) throws(Failure) {
    guard bytes.count <= Self.indexLimit.bytes else { return }
    let temporary = folder.uploads.appending("index-" + String(UInt64.random(in: .min ... .max), radix: 36))
    let descriptor = try temporary.open(O_WRONLY | O_CREAT | O_EXCL, mode: 0o600, "creating an index")
    do throws(Failure) {
      defer { try? descriptor.close() }
      try descriptor.writeAll(bytes, to: temporary)
      try temporary.rename(to: indexPath(of: digest))
    } catch {
      try? temporary.removeFile()
      throw error
    }
  }

  private static let indexSuffix = ".index"
  private static let indexLimit = ByteCount.mebibytes(512)

  private func indexPath(of digest: Digest) -> FilePath { folder.root.appending(digest.hex + Self.indexSuffix) }

  /// Removes the archive; false when there was none.
  @discardableResult
  package func delete(_ digest: Digest) throws(Failure) -> Bool {
    try indexPath(of: digest).removeFile()
    return try folder.delete(digest)
  }

  /// Removes every archive that is not in `used` and was last uploaded before `moment`; the number of them.
  ///
  /// `moment` leaves time between an upload's commit and its row in the ledger.
  @discardableResult
  package func removeUnused(except used: Set<Digest>, uploadedBefore moment: Timestamp) throws(Failure) -> Int {
    let names = Set(used.map(\.hex))
    var removed = 0
    for name in try folder.root.entries() {
      let isIndex = name.hasSuffix(Self.indexSuffix)
      guard !names.contains(isIndex ? String(name.dropLast(Self.indexSuffix.count)) : name) else { continue }
      let path = folder.root.appending(name)
      guard let status = try? path.stat(), status.type == .regular,
        Int64(status.st_mtim.tv_sec) * 1000 < moment.milliseconds
      else { continue }
      try path.removeFile()
      if !isIndex { removed += 1 }
    }
    return removed
  }
}
