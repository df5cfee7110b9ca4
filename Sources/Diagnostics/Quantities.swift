/// A number of bytes.
package struct ByteCount: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
  package var bytes: Int64
  package init(_ bytes: Int64) { self.bytes = bytes }
  package init(from decoder: any Decoder) throws { bytes = try decoder.singleValueContainer().decode(Int64.self) }
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(bytes)
  }
  package static func < (a: Self, b: Self) -> Bool { a.bytes < b.bytes }
  package static func kibibytes(_ n: Int64) -> Self { .init(n << 10) }
  package static func mebibytes(_ n: Int64) -> Self { .init(n << 20) }
  /// As people read it: `84 MB`, `6.1 MB`, `512 B` (decimal units, as registries and `docker images` print them).
  package var description: String {
    var value = Double(bytes)
    for unit in ["B", "kB", "MB", "GB"] {
      if value < 1000 || unit == "GB" {
        if unit == "B" || value >= 10 { return "\(Int64(value.rounded())) \(unit)" }
        return "\((value * 10).rounded() / 10) \(unit)"
      }
      value /= 1000
    }
    return "\(bytes) B"
  }
}

/// A moment, in Unix milliseconds, as the contract's `…_ms` fields carry it.
package struct Timestamp: Sendable, Hashable, Comparable, Codable {
  package var milliseconds: Int64
  package init(milliseconds: Int64) { self.milliseconds = milliseconds }
  package init(from decoder: any Decoder) throws {
    milliseconds = try decoder.singleValueContainer().decode(Int64.self)
  }
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(milliseconds)
  }
  package static func < (a: Self, b: Self) -> Bool { a.milliseconds < b.milliseconds }
  package func adding(_ duration: Duration) -> Self {
    Self(milliseconds: milliseconds + Int64(duration / .milliseconds(1)))
  }
}
