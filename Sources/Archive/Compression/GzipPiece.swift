import CCompression
import Dispatch
import Synchronization

/// One piece of a gzip stream: filled by the writer, deflated on any thread, read back by the writer.
///
/// Unchecked: `state` says who owns the buffers. While it is `filling` or `done` the writer does, while `claimed` the
/// one thread that claimed it; nobody touches them while it is `waiting`.
final class GzipPiece: @unchecked Sendable {
  private enum State { case filling, waiting, claimed, done }

  static let size = 1 << 20
  /// A stored block holds 65,535 bytes after 5 of header (RFC 1951 §3.2.4).
  private static let storedSize = 0xFFFF
  private static let storedTotal = size + (size / storedSize + 1) * 5

  private static let sampleSize = 16 << 10

  private let level: UInt32
  private let input = FixedBuffer(capacity: size)
  private let output = FixedBuffer(capacity: storedTotal)
  #if arch(x86_64) || arch(arm64)
    private let memory = IsalMemory()
  #endif
  private var filled = 0
  private var produced = 0
  private let state = Mutex(State.filling)
  private let finished = DispatchSemaphore(value: 0)

  init(level: UInt32) { self.level = level }

  var isEmpty: Bool { filled == 0 }
  var isFull: Bool { filled == Self.size }

  /// Takes as much as fits and returns how much that is.
  func append(_ bytes: UnsafeRawBufferPointer) -> Int {
    let count = min(bytes.count, Self.size - filled)
    UnsafeMutableRawBufferPointer(rebasing: input.bytes[filled...])
      .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[..<count]))
    filled += count
    return count
  }

  func submit(to queue: DispatchQueue) {
    state.withLock { $0 = .waiting }
    queue.async { self.deflateIfUnclaimed(signalling: true) }
  }

  /// The deflated bytes, waited for; nil when the piece was never submitted.
  func result() -> UnsafeRawBufferPointer? {
    if state.withLock({ $0 == .filling }) { return nil }
    // A writer on a crowded thread pool would wait for ever for a thread of it; so it does the work itself.
    if !deflateIfUnclaimed(signalling: false) { finished.wait() }
    return output.view(0..<produced)
  }

  func clear() {
    filled = 0
    produced = 0
    state.withLock { $0 = .filling }
  }

  @discardableResult
  private func deflateIfUnclaimed(signalling: Bool) -> Bool {
    let isOurs = state.withLock { state in
      guard state == .waiting else { return false }
      state = .claimed
      return true
    }
    guard isOurs else { return false }
    produced = (isWorthDeflating ? deflated(0..<filled) : nil) ?? stored()
    state.withLock { $0 = .done }
    if signalling { finished.signal() }
    return true
  }

  /// Whether any of four samples of a full piece shrinks: to try the whole of what does not, such as pictures, films and
  /// archives, costs more than hashing it.
  private var isWorthDeflating: Bool {
    guard isFull else { return true }
    return (0..<4).contains { quarter in
      let start = quarter * Self.size / 4
      return deflated(start..<start + Self.sampleSize).map { $0 < Self.sampleSize - Self.sampleSize / 64 } ?? false
    }
  }

  /// Writes the piece as stored blocks, none of them the last.
  private func stored() -> Int {
    var position = 0
    var offset = 0
    while offset < filled {
      let count = min(Self.storedSize, filled - offset)
      let length = UInt16(count)
      output.bytes[position] = 0
      output.bytes.storeBytes(of: length.littleEndian, toByteOffset: position + 1, as: UInt16.self)
      output.bytes.storeBytes(of: (~length).littleEndian, toByteOffset: position + 3, as: UInt16.self)
      UnsafeMutableRawBufferPointer(rebasing: output.bytes[(position + 5)...])
        .copyMemory(from: input.view(offset..<offset + count))
      position += 5 + count
      offset += count
    }
    return position
  }
}

extension GzipPiece {
  #if arch(x86_64) || arch(arm64)
    /// Deflates a part of the piece into the output; nil when it would not shrink.
    private func deflated(_ part: Range<Int>) -> Int? {
      let stream = memory.stream
      isal_deflate_init(stream)
      stream.pointee.level = level
      stream.pointee.level_buf = memory.levelBuffer.bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
      stream.pointee.level_buf_size = UInt32(memory.levelBuffer.count)
      stream.pointee.gzip_flag = UInt16(IGZIP_DEFLATE)
      stream.pointee.flush = UInt16(FULL_FLUSH)
      stream.pointee.end_of_stream = 0
      stream.pointee.next_in = input.bytes[part].start
      stream.pointee.avail_in = UInt32(part.count)
      stream.pointee.next_out = output.bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
      stream.pointee.avail_out = UInt32(part.count)
      // A full output buffer is no error but leaves something undone.
      guard isal_deflate(stream) == COMP_OK, stream.pointee.avail_in == 0, stream.pointee.avail_out > 0,
        stream.pointee.internal_state.state == ZSTATE_NEW_HDR
      else { return nil }
      return part.count - Int(stream.pointee.avail_out)
    }
  #else
    /// Deflates a part of the piece into the output; nil when it would not shrink.
    private func deflated(_ part: Range<Int>) -> Int? {
      var stream = z_stream()
      let size = CInt(MemoryLayout<z_stream>.size)
      guard
        deflateInit2_(
          &stream,
          CInt(level),
          Z_DEFLATED,
          -15,
          8,
          Z_DEFAULT_STRATEGY,
          ZLIB_VERSION,
          size
        ) == Z_OK
      else { return nil }
      defer { deflateEnd(&stream) }
      stream.next_in = input.bytes[part].start
      stream.avail_in = UInt32(part.count)
      stream.next_out = output.bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
      stream.avail_out = UInt32(part.count)
      guard deflate(&stream, Z_FULL_FLUSH) == Z_OK, stream.avail_in == 0, stream.avail_out > 0 else { return nil }
      return part.count - Int(stream.avail_out)
    }
  #endif
}

extension Slice<UnsafeMutableRawBufferPointer> {
  /// Where the part begins, as zlib and ISA-L name it.
  fileprivate var start: UnsafeMutablePointer<UInt8>? {
    UnsafeMutableRawBufferPointer(rebasing: self).baseAddress?.assumingMemoryBound(to: UInt8.self)
  }
}

#if arch(x86_64) || arch(arm64)
  /// What ISA-L works in, kept from piece to piece: about 700 kB, whose pages are dear to touch anew.
  private final class IsalMemory {
    let stream = UnsafeMutablePointer<isal_zstream>.allocate(capacity: 1)
    let levelBuffer = FixedBuffer(capacity: Int(kindling_isal_level_buffer_size))

    deinit { stream.deallocate() }
  }
#endif
