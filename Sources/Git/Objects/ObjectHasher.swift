import CGit
import COpenSSL
import Diagnostics

/// Names objects: the hash of `kind size\0` and the content (gitformat-hash), with SHA-1 collisions detected.
///
/// One owner feeds it; it is used again for every object.
package final class ObjectHasher {
  package let format: ObjectID.Format
  private var sha1 = kindling_sha1()
  private let sha256: LibraryHash?

  package init(_ format: ObjectID.Format) throws(Failure) {
    self.format = format
    sha256 = format == .sha256 ? try LibraryHash(.sha256) : nil
  }

  package func begin(_ kind: ObjectKind, size: Int64) {
    if let sha256 { sha256.begin() } else { kindling_sha1_begin(&sha1) }
    var header = "\(kind.name) \(size)\0"
    header.withUTF8 { update(UnsafeRawBufferPointer($0)) }
  }

  package func update(_ bytes: UnsafeRawBufferPointer) {
    if let sha256 { sha256.update(bytes) } else { kindling_sha1_add(&sha1, bytes.baseAddress, bytes.count) }
  }

  /// The name; throws `git-sha1-collision` for content made by a collision attack.
  package func finish() throws(Failure) -> ObjectID {
    var name: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    var collided = false
    let id = withUnsafeMutableBytes(of: &name) { bytes in
      if let sha256 {
        sha256.finish(into: bytes)
      } else if let first = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) {
        collided = kindling_sha1_end(&sha1, first) != 0
      }
      return ObjectID(format, bytes: UnsafeRawBufferPointer(rebasing: bytes[..<format.byteCount]))
    }
    guard let id, !collided else {
      throw Failure(
        .permissionDenied, reason: "git-sha1-collision",
        "an object is one half of a SHA-1 collision (its hash would be '\(id?.hex ?? "")')",
        hint: "somebody made this file to pass for another one; don't build it")
    }
    return id
  }
}
