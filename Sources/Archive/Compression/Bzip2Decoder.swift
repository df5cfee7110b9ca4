import CCompression
import Diagnostics

/// Unpacks bzip2 streams, one after the other.
final class Bzip2Decoder: StreamDecoder {
  let name = "bzip2"
  let continuation = MemberContinuation.member(firstByte: 0x42)
  private let stream: UnsafeMutablePointer<bz_stream>
  private var initResult: CInt

  init() throws(Failure) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: bz_stream())
    initResult = BZ2_bzDecompressInit(stream, 0, 0)
  }

  deinit {
    BZ2_bzDecompressEnd(stream)
    stream.deallocate()
  }

  func restart() {
    BZ2_bzDecompressEnd(stream)
    stream.initialize(to: bz_stream())
    initResult = BZ2_bzDecompressInit(stream, 0, 0)
  }

  func decode(
    _ input: UnsafeRawBufferPointer,
    into output: UnsafeMutableRawBufferPointer,
    inputEnded: Bool
  ) throws(Failure) -> DecodingStep {
    guard initResult == BZ_OK else {
      throw Failure(.resourceExhausted, reason: "out-of-memory", "bzip2 cannot be started", cause: "code \(initResult)")
    }
    let inputSize = UInt32(clamping: input.count)
    let outputSize = UInt32(clamping: output.count)
    stream.pointee.next_in = UnsafeMutableRawPointer(mutating: input.baseAddress)?.assumingMemoryBound(to: CChar.self)
    stream.pointee.avail_in = inputSize
    stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: CChar.self)
    stream.pointee.avail_out = outputSize
    let result = BZ2_bzDecompress(stream)
    guard result == BZ_OK || result == BZ_STREAM_END else {
      throw .archiveCorrupt("bzip2 data is damaged", cause: "libbz2's code \(result)")
    }
    return DecodingStep(
      consumed: Int(inputSize) - Int(stream.pointee.avail_in),
      produced: Int(outputSize) - Int(stream.pointee.avail_out),
      memberEnded: result == BZ_STREAM_END
    )
  }
}
