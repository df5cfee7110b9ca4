import Diagnostics
import Glibc
import SystemPackage

/// Reads a file, or a part of it.
package final class FileReader: ByteReader {
  private let descriptor: FileDescriptor
  private let closes: Bool
  private let path: FilePath?
  /// Where the next read begins; nil reads on from the descriptor's own position.
  private var offset: Int64?
  private var remaining: Int64

  /// Reads from the descriptor's position to its end, so that pipes work; the descriptor is closed at the end of
  /// the reader's life only if `closing`.
  package init(_ descriptor: FileDescriptor, closing: Bool = false) {
    self.descriptor = descriptor
    self.closes = closing
    self.path = nil
    self.offset = nil
    self.remaining = .max
  }

  /// Reads `length` bytes from `offset` (or to the end) by pread(2): the descriptor's own position is neither used
  /// nor moved, so that many readers can share one descriptor.
  package init(_ descriptor: FileDescriptor, offset: Int64, length: Int64? = nil, closing: Bool = false) {
    self.descriptor = descriptor
    self.closes = closing
    self.path = nil
    self.offset = offset
    self.remaining = length ?? .max
  }

  /// Opens a file and reads `length` bytes from `offset` (or to the end); throws `file-not-found` and its kin.
  package init(path: FilePath, offset: Int64 = 0, length: Int64? = nil) throws(Failure) {
    let raw = try retrying("opened", path) { path.withPlatformString { open($0, O_RDONLY | O_CLOEXEC) } }
    self.descriptor = FileDescriptor(rawValue: raw)
    self.closes = true
    self.path = path
    self.offset = offset
    self.remaining = length ?? .max
  }

  deinit {
    if closes { _ = Glibc.close(descriptor.rawValue) }
  }

  package func read(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    let wanted = Int(min(Int64(buffer.count), remaining))
    if wanted == 0 { return 0 }
    let count = try retrying("read", path) {
      if let offset { return pread(descriptor.rawValue, buffer.baseAddress, wanted, off_t(offset)) }
      return Glibc.read(descriptor.rawValue, buffer.baseAddress, wanted)
    }
    if let offset { self.offset = offset + Int64(count) }
    remaining -= Int64(count)
    return count
  }
}
