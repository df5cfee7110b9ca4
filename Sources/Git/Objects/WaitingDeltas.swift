import Diagnostics
import Glibc
import SystemPackage

/// Deltas whose base was not there when they came, inflated, in a file without a name.
struct WaitingDeltas {
  enum Base: Hashable {
    /// Another entry of the pack, which waits too.
    case entry(Int)
    case name(ObjectID)
  }

  struct Delta {
    var entry: Int
    var base: Base
    var offset: Int64
    var size: Int64
  }

  private let path: FilePath
  private var file: OpenFile?
  private var position: Int64 = 0
  private(set) var deltas: [Delta] = []

  init(beside data: FilePath) { path = FilePath(data.string + ".waiting") }

  mutating func begin(entry: Int, base: Base) throws(Failure) {
    if file == nil {
      file = try OpenFile(path, flags: O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
      try OpenFile.retrying("removed", path) { path.withPlatformString { unlink($0) } }
    }
    deltas.append(Delta(entry: entry, base: base, offset: position, size: 0))
  }

  mutating func append(_ bytes: UnsafeRawBufferPointer, limit: ByteCount) throws(Failure) {
    guard position + Int64(bytes.count) <= limit.bytes else {
      throw .gitLimit(
        "git-repository-too-large", "deltas without their bases are larger than \(limit)", name: "unpacked-size")
    }
    try file?.write(bytes, at: position)
    position += Int64(bytes.count)
  }

  mutating func end() {
    guard let last = deltas.indices.last else { return }
    deltas[last].size = position - deltas[last].offset
  }

  /// Reads a piece of a delta.
  func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws(Failure) {
    try file?.fill(buffer, at: offset)
  }
}
