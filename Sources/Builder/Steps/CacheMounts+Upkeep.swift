import Diagnostics
import Dispatch
import Glibc
import Storage
import Synchronization
import SystemPackage

// How the caches of RUN stay within their budget. A cache is measured after a command has used it, that one alone and
// in the background; its size stands in a file beside it, whose time is that of the last use.
extension CacheMounts {
  package static let usualBudget = ByteCount.mebibytes(10 << 10)

  /// One directory of a cache, as it was last measured.
  private struct Measured {
    var directory: FilePath
    var size: Int64
    var used: timespec
  }

  /// Measures a directory that a command has just given back, and makes room if all together are too large now.
  func wasUsed(_ directory: FilePath) {
    // Commands come quicker than a large cache is measured; one look after the last of them is enough.
    guard unmeasured.withLock({ $0.insert(directory).inserted }) else { return }
    upkeep.async { [self] in
      unmeasured.withLock { _ = $0.remove(directory) }
      measure(directory)
      evict()
    }
  }

  /// Measures what nobody has measured, and makes room.
  func tidy() {
    upkeep.async { [self] in
      for directory in directories where !FileSystem.exists(Self.record(of: directory)) { measure(directory) }
      evict()
    }
  }

  /// Returns when what was begun is done.
  func settle() async {
    await withCheckedContinuation { continuation in upkeep.async { continuation.resume() } }
  }

  private static func record(of directory: FilePath) -> FilePath {
    directory.removingLastComponent().appending((directory.lastComponent?.string ?? "") + ".size")
  }

  private func measure(_ directory: FilePath) {
    guard let size = DiskUsage.bytes(of: directory) else { return }
    // Written anew, so that it has the time of this moment.
    try? FileSystem.write("\(size)\n", to: Self.record(of: directory))
  }

  /// Removes the longest unused until the rest fits; what is in use stays.
  private func evict() {
    var known = directories.compactMap(Self.measured)
    var total = known.reduce(0) { $0 + $1.size }
    guard total > budget.bytes else { return }
    known.sort { ($0.used.tv_sec, $0.used.tv_nsec) < ($1.used.tv_sec, $1.used.tv_nsec) }
    for (number, cache) in known.enumerated() where total > budget.bytes {
      let gone = trash.appending("evicted-cache-\(cache.used.tv_sec)-\(number)")
      guard moveAway(cache.directory, to: gone) else { continue }
      unlink(Self.record(of: cache.directory).string)
      total -= cache.size
      try? FileTree.remove(gone)
    }
  }

  /// Nil when it was never measured, or is gone.
  private static func measured(_ directory: FilePath) -> Measured? {
    let record = record(of: directory)
    var status = stat()
    guard stat(record.string, &status) == 0, let bytes = try? record.readContents(limit: .kibibytes(1)),
      let size = Int64(String(decoding: bytes, as: UTF8.self).prefix { $0.isNumber })
    else { return nil }
    return Measured(directory: directory, size: size, used: status.st_mtim)
  }

  /// `ORGANISATION/NAME/NUMBER`
  private var directories: [FilePath] {
    var found = [folder]
    for _ in 0..<3 { found = found.flatMap(Self.subdirectories) }
    return found
  }

  private static func subdirectories(of folder: FilePath) -> [FilePath] {
    guard let stream = opendir(folder.string) else { return [] }
    defer { closedir(stream) }
    var found: [FilePath] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard name != ".", name != "..", Int32(entry.pointee.d_type) == Int32(DT_DIR) else { continue }
      found.append(folder.appending(name))
    }
    return found
  }
}
