/// A piece of memory of fixed size, freed with its owner.
final class FixedBuffer {
  let bytes: UnsafeMutableRawBufferPointer

  init(capacity: Int) { bytes = .allocate(byteCount: capacity, alignment: 64) }

  deinit { bytes.deallocate() }

  var count: Int { bytes.count }

  /// The bytes in `range`, for reading.
  func view(_ range: Range<Int>) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[range])
  }
}
