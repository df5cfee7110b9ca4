import Diagnostics
import Glibc
import SystemPackage

/// Writes a file through a small buffer; large writes go straight through. Nothing is synced to disk.
package final class FileWriter: ByteWriter {
  private let descriptor: FileDescriptor
  private let path: FilePath?
  private var isOpen: Bool
  private let buffer = FixedBuffer(capacity: 64 << 10)
  private var held = 0

  /// Writes at the descriptor's position; `finish` closes the descriptor only if `closing`.
  package init(_ descriptor: FileDescriptor, closing: Bool = false) {
    self.descriptor = descriptor
    self.path = nil
    self.isOpen = closing
  }

  /// Makes the file, or empties one that is there; `finish` closes it.
  package init(creating path: FilePath, permissions: UInt16 = 0o644) throws(Failure) {
    let raw = try retrying("made", path) {
      path.withPlatformString { open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode_t(permissions)) }
    }
    self.descriptor = FileDescriptor(rawValue: raw)
    self.path = path
    self.isOpen = true
  }

  deinit {
    if isOpen { _ = close(descriptor.rawValue) }
  }

  package func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    if bytes.count > buffer.count - held { try flush() }
    if bytes.count >= buffer.count { return try send(bytes) }
    UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[held...]).copyMemory(from: bytes)
    held += bytes.count
  }

  package func finish() throws(Failure) {
    try flush()
    guard isOpen else { return }
    isOpen = false
    // Network file systems report a full disk only here.
    if close(descriptor.rawValue) != 0, errno != EINTR { throw Failure(errno: errno, doing: "written", path: path) }
  }

  /// Hands everything written so far to the kernel, so that other readers of the file see it.
  package func flush() throws(Failure) {
    if held == 0 { return }
    try send(buffer.view(0..<held))
    held = 0
  }

  private func send(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    var rest = bytes
    while !rest.isEmpty {
      let count = try retrying("written", path) { Glibc.write(descriptor.rawValue, rest.baseAddress, rest.count) }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }
}
