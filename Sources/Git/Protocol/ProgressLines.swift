import Diagnostics

/// Puts a remote's progress together into lines; a line that is overwritten on a terminal counts as one.
struct ProgressLines {
  private var line: [UInt8] = []
  private var total: Int64 = 0

  /// Hands on every line that `bytes` completes, cleaned; throws once the remote has talked for more than `limit`.
  mutating func take(
    _ bytes: UnsafeRawBufferPointer, limit: ByteCount, _ body: (String) throws(Failure) -> Void
  ) throws(Failure) {
    total += Int64(bytes.count)
    if total > limit.bytes {
      throw .gitLimit("git-progress-limit", "remote reports more than \(limit) of progress", name: "progress-size")
    }
    for byte in bytes {
      if byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") {
        if line.count < RemoteText.longest { line.append(byte) }
        continue
      }
      let text = RemoteText.clean(String(decoding: line, as: UTF8.self))
      line.removeAll(keepingCapacity: true)
      if !text.isEmpty { try body(text) }
    }
  }
}
