import Diagnostics

/// Readers that undo compression.
package enum Decompression {
  /// Reads `source` unpacked, whatever it is packed with, told by its first bytes; plain bytes come as they are.
  ///
  /// More than `limit` unpacked bytes throw `archive-too-large`; a stream that ends early throws `archive-truncated`,
  /// and anything else wrong with it `archive-corrupt`.
  package static func reader(over source: any ByteReader, limit: ByteCount) throws(Failure) -> any ByteReader {
    let buffered = BufferedReader(over: source)
    let compression = Compression.detect(try buffered.peek(Compression.prefixLength))
    return try reader(over: buffered, compression: compression, limit: limit)
  }

  /// Reads `source`, known to be packed with `compression`, unpacked.
  package static func reader(
    over source: any ByteReader,
    compression: Compression,
    limit: ByteCount
  ) throws(Failure) -> any ByteReader {
    guard let decoder = try decoder(for: compression) else { return LimitedReader(over: source, limit: limit) }
    return LimitedReader(over: DecodingReader(over: source, decoder: decoder), limit: limit)
  }

  private static func decoder(for compression: Compression) throws(Failure) -> (any StreamDecoder)? {
    switch compression {
    case .none: nil
    case .gzip: deflateDecoder(.gzip)
    case .zstd: try ZstdDecoder()
    case .xz: try XzDecoder()
    case .bzip2: try Bzip2Decoder()
    }
  }

  /// The fastest inflate this machine has.
  static func deflateDecoder(_ wrapping: DeflateWrapping) -> any StreamDecoder {
    #if arch(x86_64) || arch(arm64)
      IsalDecoder(wrapping)
    #else
      ZlibDecoder(wrapping)
    #endif
  }
}
