import Foundation
import NIOCore

/// Cuts a stream of bytes into lines, however they were cut on the way.
struct LineSplitter: Sendable {
  private var held = Data()

  /// The lines that became whole, without their line ends; empty ones are left out.
  mutating func lines(in bytes: ByteBuffer) -> [Data] {
    var lines: [Data] = []
    for (index, part) in bytes.readableBytesView.split(separator: 0x0a, omittingEmptySubsequences: false).enumerated() {
      if index > 0 { take(into: &lines) }
      held.append(contentsOf: part)
    }
    return lines
  }

  private mutating func take(into lines: inout [Data]) {
    if !held.isEmpty { lines.append(held) }
    held = Data()
  }
}
