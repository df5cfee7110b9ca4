import Diagnostics
import Glibc
import OCI
import SystemPackage

/// What a directory looks like to stat(2): enough to tell whether it is as it was, without reading a file.
package struct DirectorySurvey: Sendable {
  /// Changes with every name, kind, mode, size, time and inode in the directory.
  package let fingerprint: Digest
  /// What `DirectoryPacker` will write at the most, as long as nothing changes.
  package let tarSize: ByteCount
  package let leftOut: [DirectoryPacker.LeftOut]
  /// Whether nothing changed for so long that a change from now on must show: a file written twice within one tick of
  /// the file system's clock looks the same after both (git calls it "racy").
  package let isSettled: Bool

  private static let settling: Int64 = 1

  /// Walks the directory once; `skip` as for `DirectoryPacker.pack`, `now` in Unix seconds.
  package init(
    of root: FilePath, now: Int64 = Int64(time(nil)), skip: (FilePath, Bool) -> Bool = { _, _ in false }
  ) throws(Failure) {
    let walker = try TreeWalker(root: root)
    let running = RunningDigest(.sha256)
    var size: Int64 = 2 * Int64(TarHeader.size)
    var leftOut: [DirectoryPacker.LeftOut] = []
    var newest: Int64 = 0
    var record: [UInt8] = []
    while let item = try walker.next() {
      let status = item.status
      if skip(item.path, status.kind == .directory) {
        leftOut.append(DirectoryPacker.LeftOut(path: item.path, reason: .skipped))
        walker.prune()
        continue
      }
      switch status.kind {
      case .file: size += (status.size + 511) & ~511
      case .directory, .symlink: break
      case .characterDevice, .blockDevice, .fifo, .socket:
        leftOut.append(DirectoryPacker.LeftOut(path: item.path, reason: .special(status.kind)))
      }
      // Three blocks more where a name or a time needs an extended header.
      let name = item.parentPath.count + item.name.count
      size += name < 100 ? 512 : 512 * 4 + 2 * Int64(name)
      if status.kind == .symlink { size += status.size < 100 ? 0 : 512 * 3 + status.size }
      newest = max(newest, status.ctime.seconds, status.mtime.seconds)
      Self.describe(item, in: &record)
      if record.count > 32 << 10 {
        running.update(record)
        record.removeAll(keepingCapacity: true)
      }
    }
    running.update(record)
    fingerprint = running.digest()
    tarSize = ByteCount(size)
    self.leftOut = leftOut
    isSettled = newest + Self.settling < now
  }

  private static func describe(_ item: TreeWalker.Item, in record: inout [UInt8]) {
    let status = item.status
    record += item.parentPath
    record.append(UInt8(ascii: "/"))
    record += item.name
    // No name holds a zero, and numbers have their own places behind it.
    record.append(0)
    let numbers: [Int64] = [
      Int64(status.kind.number), Int64(status.mode), status.size, status.mtime.seconds,
      Int64(status.mtime.nanoseconds), status.ctime.seconds, Int64(status.ctime.nanoseconds),
      Int64(bitPattern: status.inode), Int64(bitPattern: status.device),
    ]
    numbers.withUnsafeBytes { record.append(contentsOf: $0) }
  }
}

extension FileStatus.Kind {
  fileprivate var number: UInt8 {
    switch self {
    case .file: 0
    case .directory: 1
    case .symlink: 2
    case .characterDevice: 3
    case .blockDevice: 4
    case .fifo: 5
    case .socket: 6
    }
  }
}
