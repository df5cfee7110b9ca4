import Glibc
import SystemPackage

extension FilePath {
  /// A path of raw bytes, which end at the first NUL if there is one.
  ///
  /// Takes 2 µs a byte in a debug build: once for a file, and not for names that only a failure would show.
  init(bytes: [UInt8]) { self = withCName(bytes) { FilePath(platformString: $0) } }

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

/// Calls `body` with a name as C reads it.
func withCName<Result>(_ name: [UInt8], _ body: (UnsafePointer<CChar>) -> Result) -> Result {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: name.count + 1) { buffer in
    name.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
    buffer[name.count] = 0
    // The buffer has at least the NUL, so its address is there.
    return body(UnsafePointer(buffer.baseAddress.unsafelyUnwrapped))
  }
}

/// `name` in the directory `path`, both as bytes.
func joined(_ path: [UInt8], _ name: [UInt8]) -> [UInt8] { path.isEmpty ? name : path + [UInt8(ascii: "/")] + name }
