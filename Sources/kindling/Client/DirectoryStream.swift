import Archive
import Diagnostics
import Foundation
import Synchronization
import SystemPackage

#if canImport(Glibc)
  import Glibc
#endif

/// A directory as an uncompressed tar, packed on a thread of its own while it is read; nothing is written to disk.
final class DirectoryStream: Sendable {
  /// F_SETPIPE_SZ, which Glibc keeps for _GNU_SOURCE (linux/fcntl.h).
  private static let setPipeSize: CInt = 1031

  private let readEnd: FileDescriptor
  private let failure = Mutex<Failure?>(nil)

  init(of directory: FilePath) throws(Failure) {
    let pipe: (readEnd: FileDescriptor, writeEnd: FileDescriptor)
    do { pipe = try FileDescriptor.pipe() } catch { throw Failure(wrapping: error, while: "packing '\(directory)'") }
    readEnd = pipe.readEnd
    #if os(Linux)
      // The usual 64 KiB would be a turn of the threads for each; a refusal leaves it at that.
      _ = fcntl(readEnd.rawValue, Self.setPipeSize, 1 << 20)
    #endif
    let end = pipe.writeEnd
    Thread.detachNewThread {
      do throws(Failure) {
        let tar = TarWriter(into: FileWriter(end))
        _ = try DirectoryPacker(directory: directory).pack(into: tar, skip: ContextArchive.leavesOut)
        try tar.finish()
      } catch {
        // Before the end is seen: a tar that stops early may read as a whole one.
        self.failure.withLock { $0 = error }
      }
      try? end.close()
    }
  }

  /// Fills the buffer; fewer bytes only at the end. Throws what went wrong while packing.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    var filled = 0
    while filled < buffer.count {
      let count = try readEnd.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
      if count == 0 {
        if let failure = failure.withLock({ $0 }) { throw failure }
        break
      }
      filled += count
    }
    return filled
  }
}
