import Foundation
import NIOCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Cuts a stream of bytes into lines, however they were cut on the way.
struct LineSplitter: Sendable {
  private var held: [UInt8] = []

  /// The lines that became whole, without their line ends; empty ones are left out.
  mutating func lines(in bytes: ByteBuffer) -> [Data] { lines(in: bytes) { Data($0) } }

  /// What `transform` makes of them.
  mutating func lines<Line>(
    in bytes: ByteBuffer, _ transform: (UnsafeRawBufferPointer) throws -> Line?
  ) rethrows -> [Line] {
    var lines: [Line] = []
    try bytes.withUnsafeReadableBytes { bytes in
      var rest = bytes
      while let start = rest.baseAddress, let hit = memchr(start, 0x0a, rest.count) {
        let length = UnsafeRawPointer(hit) - start
        let line = UnsafeRawBufferPointer(rebasing: rest[..<length])
        rest = UnsafeRawBufferPointer(rebasing: rest[(length + 1)...])
        if !held.isEmpty {
          held += line
          if let made = try held.withUnsafeBytes(transform) { lines.append(made) }
          held = []
        } else if length > 0, let made = try transform(line) {
          lines.append(made)
        }
      }
      held += rest
    }
    return lines
  }
}
