import CCompression

/// The checksum of gzip and zip.
enum Checksum {
  /// CRC-32 of `bytes` after those whose CRC-32 is `seed`; 0 to begin.
  static func crc32(_ seed: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
    let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
    #if arch(x86_64) || arch(arm64)
      return crc32_gzip_refl(seed, start, UInt64(bytes.count))
    #else
      return UInt32(crc32_z(UInt(seed), start, bytes.count))
    #endif
  }
}
