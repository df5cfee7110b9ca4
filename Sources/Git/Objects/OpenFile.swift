import Diagnostics
import Glibc
import SystemPackage

/// A file held open, closed at the end of its life; reads and writes name their place, so it has no position.
final class OpenFile: Sendable {
  let path: FilePath
  let descriptor: CInt

  /// Throws `file-not-found` and its kin.
  init(_ path: FilePath, flags: CInt = O_RDONLY, mode: mode_t = 0o644) throws(Failure) {
    self.path = path
    self.descriptor = try Self.retrying("opened", path) {
      path.withPlatformString { open($0, flags | O_CLOEXEC, mode) }
    }
  }

  deinit { _ = close(descriptor) }

  /// The size as it is now.
  func size() throws(Failure) -> Int64 {
    var status = stat()
    try Self.retrying("examined", path) { fstat(descriptor, &status) }
    return Int64(status.st_size)
  }

  /// As many bytes from `offset` as the file has and the buffer holds.
  func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    var filled = 0
    while filled < buffer.count {
      let count = try Self.retrying("read", path) {
        pread(descriptor, buffer.baseAddress.map { $0 + filled }, buffer.count - filled, off_t(offset) + filled)
      }
      if count == 0 { break }
      filled += count
    }
    return filled
  }

  /// The whole buffer; an earlier end of the file throws `file-truncated`.
  func fill(_ buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
    guard try read(at: offset, into: buffer) == buffer.count else {
      throw Failure(
        .dataLoss, reason: "file-truncated", "file '\(path)' ends before byte \(offset + Int64(buffer.count))")
    }
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Failure) {
    var written = 0
    while written < bytes.count {
      written += try Self.retrying("written", path) {
        pwrite(descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written, off_t(offset) + written)
      }
    }
  }

  func truncate(to size: Int64) throws(Failure) {
    try Self.retrying("shortened", path) { ftruncate(descriptor, off_t(size)) }
  }

  @discardableResult
  static func retrying<Result: SignedInteger>(
    _ doing: String, _ path: FilePath, _ call: () -> Result
  ) throws(Failure) -> Result {
    while true {
      let result = call()
      if result >= 0 { return result }
      if errno != EINTR { throw Failure.gitFile(errno, doing, path) }
    }
  }
}
