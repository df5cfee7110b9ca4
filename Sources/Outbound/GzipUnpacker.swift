import CCompression
import Diagnostics

/// Unpacks a gzip'd body as it arrives, never to more than was agreed (RFC 1952; several members in a row are one body).
final class GzipUnpacker {
  private var stream = z_stream()
  private var produced: Int64 = 0
  private let limit: ByteCount
  private var isAtEnd = false
  private var isUntouched = true
  private let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)

  init(limit: ByteCount) throws(Failure) {
    self.limit = limit
    // 16: the gzip format and no other.
    guard inflateInit2_(&stream, 16 + MAX_WBITS, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      output.deallocate()
      throw Failure(.internal, reason: "outbound-gzip", "zlib did not start")
    }
  }

  deinit {
    inflateEnd(&stream)
    output.deallocate()
  }

  /// Throws `outbound-gzip` for what is not gzip, `outbound-too-large` beyond the limit, and what `each` throws.
  func unpack(
    _ chunk: UnsafeRawBufferPointer, _ each: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    guard let base = chunk.bindMemory(to: UInt8.self).baseAddress, !chunk.isEmpty else { return }
    isUntouched = false
    stream.next_in = UnsafeMutablePointer(mutating: base)
    stream.avail_in = UInt32(clamping: chunk.count)
    repeat {
      if isAtEnd {
        inflateReset(&stream)
        isAtEnd = false
      }
      stream.next_out = output.bindMemory(to: UInt8.self).baseAddress
      stream.avail_out = UInt32(output.count)
      let status = inflate(&stream, Z_NO_FLUSH)
      let count = output.count - Int(stream.avail_out)
      guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else { throw broken }
      produced += Int64(count)
      guard produced <= limit.bytes else { throw Failure.outboundTooLarge(limit) }
      if count > 0 { try each(UnsafeRawBufferPointer(rebasing: output[..<count])) }
      isAtEnd = status == Z_STREAM_END
      if status == Z_BUF_ERROR, count == 0 { break }
    } while stream.avail_in > 0 || stream.avail_out == 0
  }

  /// Throws `outbound-gzip` when the body ended inside a member. A body without a byte is empty, as HEAD's is.
  func finish() throws(Failure) {
    guard isAtEnd || isUntouched else { throw broken }
  }

  private var broken: Failure {
    Failure(.unavailable, reason: "outbound-gzip", "the answer is announced as gzip and cannot be unpacked")
  }
}
