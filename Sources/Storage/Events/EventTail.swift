import Diagnostics
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Where the whole lines of an event file end, found from its end, whatever its length.
struct EventTail {
  /// Bytes up to and with the last whole line's end.
  private(set) var end: Int64
  /// Of the last whole line; 0 when there is none.
  private(set) var sequence = 0
  private(set) var isFinished = false

  init(of path: FilePath) throws(Failure) {
    end = path.fileSize?.bytes ?? 0
    guard end > 0 else { return }
    let descriptor = try path.open(O_RDONLY, "opening a build's events")
    defer { try? descriptor.close() }
    var window: Int64 = 1 << 14
    while end > 0 {
      let start = max(0, end - window)
      var bytes = [UInt8](repeating: 0, count: Int(end - start))
      let count = try bytes.withUnsafeMutableBytes { buffer in
        Result { () throws(Failure) in try descriptor.read(at: start, into: buffer, of: path) }
      }.get()
      guard count == bytes.count else { break }
      guard let lineEnd = bytes.lastIndex(of: 0x0a) else {
        // No line end in sight: look further back, or nothing is whole.
        if start == 0 { end = 0 } else { window *= 4 }
        continue
      }
      let lineStart = bytes[..<lineEnd].lastIndex(of: 0x0a).map { $0 + 1 }
      if lineStart == nil, start > 0 {
        window *= 4
        continue
      }
      if adopt(bytes[(lineStart ?? 0)..<lineEnd]) {
        end = start + Int64(lineEnd) + 1
        return
      }
      end = start + Int64(lineStart ?? 0)
    }
  }

  private mutating func adopt(_ line: ArraySlice<UInt8>) -> Bool {
    line.withUnsafeBytes { bytes in
      guard let number = EventLine.sequence(bytes) else { return false }
      sequence = number
      isFinished = EventLine.event(bytes)?.kind.isFinished ?? false
      return true
    }
  }
}
