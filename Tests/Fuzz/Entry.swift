import Glibc
import SystemPackage

/// Where libFuzzer comes in; `Tests/Fuzz/run` links it.
private let scratch: FilePath = {
  var template = Array("/dev/shm/kindling-fuzz-XXXXXX".utf8CString)
  return template.withUnsafeMutableBufferPointer { buffer in
    guard let start = buffer.baseAddress, mkdtemp(start) != nil else { return FilePath("/tmp") }
    return FilePath(platformString: start)
  }
}()

/// One input of libFuzzer.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  FuzzInput.run(Array(UnsafeBufferPointer(start: start, count: count)), scratch: scratch)
  return 0
}
