import CCompression
import Diagnostics
import Glibc

/// Writes one zstd frame with a checksum, compressed on all cores.
package final class ZstdWriter: ByteWriter {
  private let target: any ByteWriter
  private let stream: OpaquePointer
  private let buffer = FixedBuffer(capacity: 256 << 10)
  private var isFinished = false

  /// `level` is zstd's; numbers beyond what it knows are taken as the nearest.
  package init(into target: any ByteWriter, level: Int = 3) throws(Failure) {
    guard let stream = ZSTD_createCStream() else {
      throw Failure(.resourceExhausted, reason: "out-of-memory", "zstd cannot be started")
    }
    self.target = target
    self.stream = stream
    ZSTD_CCtx_setParameter(stream, ZSTD_c_compressionLevel, CInt(clamping: level))
    ZSTD_CCtx_setParameter(stream, ZSTD_c_checksumFlag, 1)
    // The bytes are the same for any number of workers but none; a library built without threads refuses, and is right.
    ZSTD_CCtx_setParameter(stream, ZSTD_c_nbWorkers, CInt(max(1, min(8, sysconf(CInt(_SC_NPROCESSORS_ONLN))))))
  }

  deinit { ZSTD_freeCStream(stream) }

  package func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    var source = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
    while source.pos < source.size { _ = try step(&source, ZSTD_e_continue) }
  }

  package func finish() throws(Failure) {
    if isFinished { return }
    isFinished = true
    var nothing = ZSTD_inBuffer(src: nil, size: 0, pos: 0)
    while try step(&nothing, ZSTD_e_end) > 0 {}
    try target.finish()
  }

  /// Returns how many bytes the library still holds back.
  private func step(_ source: inout ZSTD_inBuffer, _ directive: ZSTD_EndDirective) throws(Failure) -> Int {
    var output = ZSTD_outBuffer(dst: buffer.bytes.baseAddress, size: buffer.count, pos: 0)
    let result = ZSTD_compressStream2(stream, &output, &source, directive)
    guard ZSTD_isError(result) == 0 else {
      throw Failure(
        .internal,
        reason: "compression-failed",
        "zstd refused the data",
        cause: String(cString: ZSTD_getErrorName(result))
      )
    }
    if output.pos > 0 { try target.write(buffer.view(0..<output.pos)) }
    return result
  }
}
