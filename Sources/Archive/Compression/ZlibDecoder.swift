import CCompression
import Diagnostics

/// Inflates by zlib, where ISA-L has no build.
final class ZlibDecoder: StreamDecoder {
  let name: String
  let continuation: MemberContinuation
  private let stream: UnsafeMutablePointer<z_stream>
  private var initResult: CInt

  init(_ wrapping: DeflateWrapping) {
    name = wrapping == .gzip ? "gzip" : "deflate"
    continuation = wrapping == .gzip ? .member(firstByte: 0x1F) : .nothing
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    // 15 bits of window; 16 more ask for a gzip header, a negative number for none (zlib.h, inflateInit2).
    let windowBits: CInt = wrapping == .gzip ? 15 + 16 : -15
    initResult = inflateInit2_(stream, windowBits, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size))
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
  }

  func restart() { initResult = inflateReset(stream) }

  func decode(
    _ input: UnsafeRawBufferPointer,
    into output: UnsafeMutableRawBufferPointer,
    inputEnded: Bool
  ) throws(Failure) -> DecodingStep {
    guard initResult == Z_OK else {
      throw Failure(.resourceExhausted, reason: "out-of-memory", "zlib cannot be started", cause: "code \(initResult)")
    }
    let inputSize = UInt32(clamping: input.count)
    let outputSize = UInt32(clamping: output.count)
    stream.pointee.next_in = UnsafeMutableRawPointer(mutating: input.baseAddress)?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_in = inputSize
    stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = outputSize
    let result = inflate(stream, Z_NO_FLUSH)
    // Z_BUF_ERROR only says that this call could do nothing.
    guard result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR else {
      let cause = stream.pointee.msg.map { String(cString: $0) }
      throw .archiveCorrupt("\(name) data is damaged", cause: cause ?? "code \(result)")
    }
    return DecodingStep(
      consumed: Int(inputSize) - Int(stream.pointee.avail_in),
      produced: Int(outputSize) - Int(stream.pointee.avail_out),
      memberEnded: result == Z_STREAM_END
    )
  }
}
