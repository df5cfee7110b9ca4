import CCompression
import Diagnostics

/// Unpacks xz streams, one after the other with padding between.
final class XzDecoder: StreamDecoder {
  let name = "xz"
  let continuation = MemberContinuation.library
  private let stream: UnsafeMutablePointer<lzma_stream>

  /// `xz -9` makes streams that need 65 MiB to unpack; the format allows 4 GiB.
  private static let memoryLimit = ByteCount.mebibytes(256)
  /// LZMA_CONCATENATED, a macro Swift does not import: further streams may follow.
  private static let concatenated: UInt32 = 0x08

  init() throws(Failure) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: lzma_stream())
    let result = lzma_stream_decoder(stream, UInt64(Self.memoryLimit.bytes), Self.concatenated)
    guard result == LZMA_OK else {
      throw Failure(
        .resourceExhausted,
        reason: "out-of-memory",
        "xz cannot be started",
        cause: "code \(result.rawValue)"
      )
    }
  }

  deinit {
    lzma_end(stream)
    stream.deallocate()
  }

  // The library itself goes on with the next stream and ends with the last.
  func restart() {}

  func decode(
    _ input: UnsafeRawBufferPointer,
    into output: UnsafeMutableRawBufferPointer,
    inputEnded: Bool
  ) throws(Failure) -> DecodingStep {
    stream.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_in = input.count
    stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = output.count
    let result = lzma_code(stream, inputEnded ? LZMA_FINISH : LZMA_RUN)
    switch result {
    // LZMA_BUF_ERROR only says that this call could do nothing.
    case LZMA_OK, LZMA_STREAM_END, LZMA_BUF_ERROR: break
    case LZMA_MEMLIMIT_ERROR:
      throw .archiveTooLarge("xz data needs more than \(Self.memoryLimit) of memory to unpack")
    default: throw .archiveCorrupt("xz data is damaged", cause: "liblzma's code \(result.rawValue)")
    }
    return DecodingStep(
      consumed: input.count - stream.pointee.avail_in,
      produced: output.count - stream.pointee.avail_out,
      memberEnded: result == LZMA_STREAM_END
    )
  }
}
