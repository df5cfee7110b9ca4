import Glibc
import SystemPackage

extension FilePath {
  /// A path of raw bytes, which end at the first NUL if there is one.
  init(bytes: some Sequence<UInt8>) {
    var text = bytes.map { CChar(bitPattern: $0) }
    text.append(0)
    self = text.withUnsafeBufferPointer { buffer in
      buffer.baseAddress.map { FilePath(platformString: $0) } ?? FilePath()
    }
  }

  /// The path's raw bytes, without the NUL.
  var bytes: [UInt8] {
    withPlatformString { Array(UnsafeRawBufferPointer(start: $0, count: strlen($0))) }
  }
}

/// Whether `a` sorts before `b` byte by byte, as strings do in C.
func precedes(_ a: [UInt8], _ b: [UInt8]) -> Bool {
  let order = a.withUnsafeBytes { left in
    b.withUnsafeBytes { right in
      guard let first = left.baseAddress, let second = right.baseAddress else { return CInt(0) }
      return memcmp(first, second, min(left.count, right.count))
    }
  }
  return order == 0 ? a.count < b.count : order < 0
}
