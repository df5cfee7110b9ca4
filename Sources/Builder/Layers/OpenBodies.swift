import Archive
import Diagnostics
import SystemPackage

/// Reads the bodies of one layer's entries, and opens the file that holds most of them once and not for each.
final class OpenBodies {
  private var path: FilePath?
  private var descriptor: FileDescriptor?

  deinit { try? descriptor?.close() }

  /// Valid as long as this is.
  func reader(of body: FileBody) throws(Failure) -> (any ByteReader)? {
    guard case .range(let path, let offset, let length) = body, length > 0 else { return try body.reader() }
    if let descriptor, self.path == path { return FileReader(descriptor, offset: offset, length: length) }
    try? descriptor?.close()
    descriptor = nil
    do {
      let opened = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
      self.path = path
      descriptor = opened
      return FileReader(opened, offset: offset, length: length)
    } catch {
      // Said as for any other file.
      return try body.reader()
    }
  }
}
