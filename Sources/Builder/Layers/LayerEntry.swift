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
}
