import Archive
import Diagnostics
import OCI
import SystemPackage

/// One entry of a layer to be written: what the tar says, and where the bytes come from.
struct LayerEntry: Sendable {
  var tar: TarEntry
  var body: FileBody
  /// SHA-256 of a regular file's bytes; the cache key is made of these.
  var digest: Digest?

  /// Writes it into a layer. A file of the user's that others may write to must still hold what its digest was made of,
  /// or the cache would keep a layer under a key that is not its own; throws `file-changed`.
  func append(to tar: TarWriter, from bodies: OpenBodies) throws(Failure) {
    guard case .changeable = body, let digest, let reader = try body.reader() else {
      return try tar.append(self.tar, body: try bodies.reader(of: body))
    }
    let hashed = HashingReader(over: reader)
    try tar.append(self.tar, body: hashed)
    let rest = try hashed.drain()
    guard rest == 0, hashed.digest == digest else {
      throw Failure(
        .aborted, reason: "file-changed", "file '\(self.tar.path)' changed while it was read",
        hint: "build again when nothing writes to it")
    }
  }
}
