import Archive
import Builder
import Diagnostics
import OCI
import Storage

/// An uploaded archive as what a build is made from.
///
/// The index of an uncompressed tar is kept beside it, so that building the same context again reads neither the archive
/// nor its files. Archives that have to be unpacked are read anew by each build.
struct StoredContext {
  let contexts: ContextStore

  /// Nil when the archive is gone. Throws what is wrong with it.
  func source(_ archive: Digest) throws(Failure) -> BuildOrder.Source? {
    guard let path = contexts.path(of: archive), let size = contexts.size(of: archive) else { return nil }
    if let kept = contexts.index(of: archive),
      let index = ArchiveIndexFile.decoded(kept, of: archive, size: size, file: path)
    {
      return .tree(index)
    }
    guard let index = try ArchiveNormalizer.index(ofTar: path) else { return .archive(path) }
    // Without it the next build is slower, and that is all.
    if let bytes = ArchiveIndexFile.encoded(index, of: archive, size: size) {
      try? contexts.saveIndex(bytes, of: archive)
    }
    return .tree(index)
  }
}
