import Diagnostics
import SystemPackage

extension StoredObject {
  /// The whole content, for commits, tags, trees and small files; throws `git-object-too-large` beyond `limit`.
  package func contents(limit: ByteCount) throws(Failure) -> [UInt8] {
    guard size <= limit.bytes else { throw .objectTooLarge(size, limit: limit) }
    let file = try OpenFile(file)
    var bytes = [UInt8](repeating: 0, count: Int(size))
    let failure: Failure? = bytes.withUnsafeMutableBytes { buffer in
      do throws(Failure) {
        try file.fill(buffer, at: offset)
        return nil
      } catch { return error }
    }
    if let failure { throw failure }
    return bytes
  }
}
