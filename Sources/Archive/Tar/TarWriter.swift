import Diagnostics
import SystemPackage

/// Writes a tar archive: ustar, with PAX records where an entry doesn't fit into that.
///
/// The bytes depend on the entries alone. Times are whole seconds and owners numbers, as in BuildKit's layers.
package final class TarWriter {
  private let target: any ByteWriter
  private let buffer = FixedBuffer(capacity: 256 << 10)
  private var isFinished = false
  /// Bytes written so far; after `append` with a body, the archive's length up to and with its padding.
  package private(set) var position: Int64 = 0
  /// Where the body of the entry written last began, in bytes from the archive's beginning.
  package private(set) var bodyOffset: Int64 = 0

  package init(into target: any ByteWriter) { self.target = target }

  /// Writes an entry and, for a file, `entry.size` bytes of `body`; a body that is shorter throws `file-changed`,
  /// what a longer one has beyond is left in it.
  package func append(_ entry: TarEntry, body: (any ByteReader)? = nil) throws(Failure) {
    let (header, records) = TarHeaderFields(entry).encoded()
    if !records.isEmpty {
      try write(TarHeaderFields.paxHeader(for: entry.path, size: records.count))
      try write(records)
      try pad(after: Int64(records.count))
    }
    try write(header)
    bodyOffset = position
    guard entry.kind == .file, entry.size > 0 else { return }
    try copy(body, size: entry.size, name: entry.path)
    try pad(after: entry.size)
  }

  /// Writes the end mark and finishes the writer below. A second call does nothing.
  package func finish() throws(Failure) {
    if isFinished { return }
    isFinished = true
    try write([UInt8](repeating: 0, count: 2 * TarHeader.size))
    try target.finish()
  }

  private func copy(_ body: (any ByteReader)?, size: Int64, name: FilePath) throws(Failure) {
    var remaining = size
    while remaining > 0 {
      try checkCancellation()
      let wanted = Int(min(Int64(buffer.count), remaining))
      let count = try body?.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<wanted])) ?? 0
      guard count > 0 else {
        throw Failure(
          .aborted,
          reason: "file-changed",
          "file '\(name)' became shorter while it was read",
          hint: "build again when nothing writes to it"
        )
      }
      try target.write(buffer.view(0..<count))
      remaining -= Int64(count)
      position += Int64(count)
    }
  }

  private func pad(after size: Int64) throws(Failure) {
    let count = Int(-size & Int64(TarHeader.size - 1))
    if count > 0 { try write([UInt8](repeating: 0, count: count)) }
  }

  private func write(_ bytes: [UInt8]) throws(Failure) {
    try target.write(bytes)
    position += Int64(bytes.count)
  }
}
