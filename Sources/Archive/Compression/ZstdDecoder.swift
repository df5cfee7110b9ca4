import CCompression
import Diagnostics

/// Unpacks zstd frames, one after the other (RFC 8878).
final class ZstdDecoder: StreamDecoder {
  let name = "zstd"
  let continuation = MemberContinuation.library
  private let stream: OpaquePointer

  init() throws(Failure) {
    guard let stream = ZSTD_createDStream() else {
      throw Failure(.resourceExhausted, reason: "out-of-memory", "zstd cannot be started")
    }
    self.stream = stream
  }

  deinit { ZSTD_freeDStream(stream) }

  // A finished frame leaves the library ready for the next one.
  func restart() {}

  func decode(
    _ input: UnsafeRawBufferPointer,
    into output: UnsafeMutableRawBufferPointer,
    inputEnded: Bool
  ) throws(Failure) -> DecodingStep {
    var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
    var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
    let result = ZSTD_decompressStream(stream, &target, &source)
    guard ZSTD_isError(result) == 0 else {
      throw .archiveCorrupt("zstd data is damaged", cause: String(cString: ZSTD_getErrorName(result)))
    }
    return DecodingStep(consumed: source.pos, produced: target.pos, memberEnded: result == 0)
  }
}
