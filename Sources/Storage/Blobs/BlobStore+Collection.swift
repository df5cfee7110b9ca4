import Diagnostics
import OCI
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension BlobStore {
  /// The digest of every blob that is here, in no order; files with other names are left out.
  package func digests() throws(Failure) -> [Digest] {
    var found: [Digest] = []
    for algorithm in Digest.Algorithm.allCases {
      for name in try folder.root.appending(algorithm.rawValue).entries() {
        if let digest = try? Digest("\(algorithm.rawValue):\(name)") { found.append(digest) }
      }
    }
    return found
  }

  /// When the blob was last brought or used by a build; nil when it is not here.
  package func lastUse(of digest: Digest) -> Timestamp? { path(of: digest).fileTime }

  /// Takes away a blob that a collection has marked, and the folder `unpacked` with it; its size. Nil when somebody brought
  /// it again, or when it is gone.
  package func collect(_ digest: Digest, unpacked: FilePath) throws(Failure) -> ByteCount? {
    let path = path(of: digest)
    let (gone, goneFolder) = (temporary(), temporary())
    var size: ByteCount?
    let isTaken = try leases.take(digest) { () throws(Failure) in
      size = path.fileSize
      guard size != nil else { return }
      // Renaming takes a moment however large they are; what is in `work/` goes at the next start at the latest.
      try path.rename(to: gone)
      if unpacked.isDirectory { try unpacked.rename(to: goneFolder) }
    }
    guard isTaken, size != nil else { return nil }
    try gone.removeFile()
    try FileTree.remove(goneFolder)
    return size
  }

  /// What is wrong with a blob's bytes, as far as reading them tells; nil when they have its digest or it is gone.
  /// `pace` is told how many bytes were read after each piece, and may wait.
  package func flaw(of digest: Digest, pace: (Int) throws(Failure) -> Void) throws(Failure) -> BlobFlaw? {
    let path = path(of: digest)
    guard let descriptor = try? path.open(O_RDONLY, "opening a blob") else { return nil }
    defer { try? descriptor.close() }
    let running = RunningDigest(digest.algorithm)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { buffer.deallocate() }
    var offset: Int64 = 0
    var status = stat()
    guard fstat(descriptor.rawValue, &status) == 0 else { return nil }
    let node = UInt64(status.st_ino)
    while true {
      let count: Int
      do { count = try descriptor.read(at: offset, into: buffer, of: path) } catch {
        // A disk that does not give the bytes back has not kept them.
        return BlobFlaw(digest: digest, found: error.oneLine, node: node)
      }
      guard count > 0 else { break }
      running.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      offset += Int64(count)
      try pace(count)
    }
    let found = running.digest()
    return found == digest ? nil : BlobFlaw(digest: digest, found: "its \(offset) bytes have '\(found)'", node: node)
  }

  /// Moves the wrong bytes out of the way, so that the blob can be pushed again; false when others are there by now.
  package func setAside(_ flaw: BlobFlaw) throws(Failure) -> Bool {
    try quarantine.makeDirectory()
    let path = path(of: flaw.digest)
    var isMoved = false
    _ = try leases.alone { () throws(Failure) in
      var status = stat()
      guard path.attempt({ lstat($0, &status) }).result == 0, UInt64(status.st_ino) == flaw.node else { return }
      try path.rename(to: quarantine.appending(flaw.digest.folderName))
      isMoved = true
    }
    if isMoved, folder.durability == .durable { try quarantine.synchronize() }
    return isMoved
  }

  /// Whether the blob was set aside and has not come again since.
  package func isSetAside(_ digest: Digest) -> Bool {
    !contains(digest) && quarantine.appending(digest.folderName).fileSize != nil
  }

  /// Forgets what was set aside and has come again; the rest.
  package func healed() throws(Failure) -> (healed: [Digest], broken: [Digest]) {
    guard quarantine.isDirectory else { return ([], []) }
    let digests = try quarantine.entries().compactMap { Digest(folderName: $0) }
    let healed = digests.filter { contains($0) }
    for digest in healed { try quarantine.appending(digest.folderName).removeFile() }
    return (healed, digests.filter { !healed.contains($0) })
  }

  private func temporary() -> FilePath {
    folder.uploads.appending("gone-" + String(UInt64.random(in: .min ... .max), radix: 36))
  }
}

/// A blob whose file holds other bytes than its name says.
package struct BlobFlaw: Sendable, Hashable {
  package var digest: Digest
  /// What was read instead.
  package var found: String
  /// The file's inode, by which another one is told from it.
  var node: UInt64
}

extension Digest {
  /// A name for what is kept by this digest in a folder of its own kind: `sha256-…`.
  package var folderName: String { "\(algorithm.rawValue)-\(hex)" }

  init?(folderName: String) {
    guard let dash = folderName.firstIndex(of: "-") else { return nil }
    guard
      let digest = try? Digest("\(folderName[..<dash]):\(folderName[folderName.index(after: dash)...])")
    else { return nil }
    self = digest
  }
}
