import Diagnostics

/// A content address, `algorithm:hex` (OCI image-spec, descriptor.md#digests). Cannot be built wrongly.
package struct Digest: Sendable, Hashable, Codable, Comparable, CustomStringConvertible {
  package enum Algorithm: String, Sendable, Hashable, CaseIterable {
    case sha256, sha512
    /// Number of lower-case hex digits of the encoded part.
    package var hexLength: Int { self == .sha256 ? 64 : 128 }
  }

  package let algorithm: Algorithm
  /// The lower-case hex digits.
  package let hex: String

  /// Parses `sha256:…` or `sha512:…`; throws `digest-invalid`.
  package init(_ text: String) throws(Failure) {
    guard let colon = text.firstIndex(of: ":"), let algorithm = Algorithm(rawValue: String(text[..<colon])) else {
      throw Failure(
        .invalidArgument, reason: "digest-invalid", "digest '\(text)' does not begin with 'sha256:' or 'sha512:'")
    }
    let hex = text[text.index(after: colon)...]
    guard hex.utf8.count == algorithm.hexLength,
      hex.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
    else {
      throw Failure(
        .invalidArgument, reason: "digest-invalid",
        "digest '\(text)' does not have \(algorithm.hexLength) lower-case hexadecimal digits")
    }
    self.algorithm = algorithm
    self.hex = String(hex)
  }

  /// From the raw bytes of a finished hash: 32 of SHA-256 or 64 of SHA-512.
  package init(_ algorithm: Algorithm, bytes: some Sequence<UInt8>) {
    let digits = Array("0123456789abcdef".utf8)
    var hex: [UInt8] = []
    hex.reserveCapacity(algorithm.hexLength)
    for byte in bytes {
      hex.append(digits[Int(byte >> 4)])
      hex.append(digits[Int(byte & 15)])
    }
    precondition(hex.count == algorithm.hexLength, "a \(algorithm) digest has \(algorithm.hexLength / 2) bytes")
    self.algorithm = algorithm
    self.hex = String(decoding: hex, as: UTF8.self)
  }

  /// The hash itself: 32 bytes of SHA-256 or 64 of SHA-512.
  package var rawBytes: [UInt8] {
    let digits = Array(hex.utf8).map { $0 < 0x3A ? $0 - 0x30 : $0 - 0x57 }
    return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }

  package var description: String { "\(algorithm.rawValue):\(hex)" }
  /// The first twelve digits, for people.
  package var short: String { String(hex.prefix(12)) }
  package static func < (a: Self, b: Self) -> Bool { a.description < b.description }

  package init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    try self.init(text)
  }
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
