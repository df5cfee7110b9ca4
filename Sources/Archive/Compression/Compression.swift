/// How a stream of bytes is compressed.
package enum Compression: String, Sendable, Hashable, CaseIterable {
  case none, gzip, zstd, xz, bzip2

  /// How many bytes `detect` looks at.
  package static let prefixLength = 6

  /// Tells the compression by a stream's first bytes; `.none` when they are no known signature.
  package static func detect(_ prefix: some Sequence<UInt8>) -> Compression {
    let bytes = Array(prefix.prefix(prefixLength))
    func begins(_ signature: UInt8...) -> Bool { bytes.starts(with: signature) }
    // 08 is deflate, the only method there is.
    if begins(0x1F, 0x8B, 0x08) { return .gzip }
    if begins(0x28, 0xB5, 0x2F, 0xFD) { return .zstd }
    // A skippable frame may come first, as in seekable zstd (RFC 8878 §3.1.2).
    if bytes.count >= 4, bytes[0] & 0xF0 == 0x50, bytes[1...3].elementsEqual([0x2A, 0x4D, 0x18]) { return .zstd }
    if begins(0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00) { return .xz }
    if bytes.count >= 4, bytes.starts(with: [0x42, 0x5A, 0x68]), (0x31...0x39).contains(bytes[3]) { return .bzip2 }
    return .none
  }
}
