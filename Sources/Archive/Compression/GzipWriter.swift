import Diagnostics
import Dispatch
import Glibc

/// Writes one gzip member (RFC 1952), compressed on all cores.
///
/// The stream is cut into pieces of 1 MiB, each deflated for itself and ended on a byte border by a full flush, so that
/// the pieces joined are one deflate stream. The bytes depend on the input and the level alone: not on the number of
/// cores, the size of the writes, names or times.
package final class GzipWriter: ByteWriter {
  private let target: any ByteWriter
  private let pieces: [GzipPiece]
  private let queue = DispatchQueue(label: "gzip", attributes: .concurrent)
  /// The piece being filled; the ones after it, going round, are older than the ones before it.
  private var current = 0
  private var checksum: UInt32 = 0
  private var size: UInt32 = 0
  private var hasBegun = false
  private var isFinished = false

  /// `level` is ISA-L's, 1 to 3; numbers beyond are taken as the nearest.
  package init(into target: any ByteWriter, level: Int = 2) {
    self.target = target
    let cores = max(1, min(8, sysconf(CInt(_SC_NPROCESSORS_ONLN))))
    let level = UInt32(max(1, min(3, level)))
    pieces = (0...cores).map { _ in GzipPiece(level: level) }
  }

  package func write(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
    checksum = Checksum.crc32(checksum, bytes)
    size &+= UInt32(truncatingIfNeeded: bytes.count)
    var rest = bytes
    while !rest.isEmpty {
      let taken = pieces[current].append(rest)
      rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
      if pieces[current].isFull { try advance() }
    }
  }

  package func finish() throws(Failure) {
    if isFinished { return }
    isFinished = true
    try beginIfNeeded()
    if !pieces[current].isEmpty { try advance() }
    for offset in 0..<pieces.count { try emit(pieces[(current + offset) % pieces.count]) }
    // An empty last block (RFC 1951 §3.2.6: final, fixed codes, end of block), then the trailer.
    var trailer: [UInt8] = [0x03, 0x00]
    for value in [checksum, size] { withUnsafeBytes(of: value.littleEndian) { trailer.append(contentsOf: $0) } }
    try target.write(trailer)
    try target.finish()
  }

  /// Sends the full piece to be compressed, and makes the next one empty, whose turn to be written it is.
  private func advance() throws(Failure) {
    pieces[current].submit(to: queue)
    current = (current + 1) % pieces.count
    try emit(pieces[current])
  }

  private func emit(_ piece: GzipPiece) throws(Failure) {
    guard let output = piece.result() else { return }
    try beginIfNeeded()
    try target.write(output)
    piece.clear()
  }

  private func beginIfNeeded() throws(Failure) {
    if hasBegun { return }
    hasBegun = true
    // Deflate, no flags, no time, no extra flags, system unknown.
    try target.write([0x1F, 0x8B, 0x08, 0, 0, 0, 0, 0, 0, 0xFF])
  }
}
