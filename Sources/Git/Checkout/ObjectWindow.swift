import Diagnostics
import SystemPackage

/// A piece of an object file in memory. Neighbours in a tree mostly lie beside each other in the file too, so one read
/// serves many small objects.
final class ObjectWindow {
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
  private var path: FilePath?
  private var start: Int64 = 0
  private var filled = 0

  deinit { buffer.deallocate() }

  /// Hands the content over in parts; throws `file-truncated` when the file ends before it.
  func forEachPart(
    of object: StoredObject, in file: OpenFile, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    var offset = object.offset
    let end = object.offset + object.size
    while offset < end {
      let count = Int(min(end - offset, Int64(buffer.count)))
      if path != file.path || offset < start || offset + Int64(count) > start + Int64(filled) {
        try checkGitCancellation()
        path = nil
        filled = try file.read(at: offset, into: buffer)
        (path, start) = (file.path, offset)
        guard filled >= count else {
          throw Failure(.dataLoss, reason: "file-truncated", "file '\(file.path)' ends before byte \(end)")
        }
      }
      let first = Int(offset - start)
      try body(UnsafeRawBufferPointer(rebasing: buffer[first..<first + count]))
      offset += Int64(count)
    }
  }
}
