import Archive
import Diagnostics
import SystemPackage

/// A local archive that ADD unpacks: recognised by its content, tar plain or compressed.
///
/// Docker: zip archives and compressed single files are copied as they are.
struct UnpackedArchive {
  /// Paths are relative to the archive's root.
  let nodes: [FileNode]

  /// Nil when the file is not a tar archive.
  init?(_ node: FileNode, scratch: ScratchFolder) throws(Failure) {
    guard case .file = node.entry.kind, try Self.isTar(node.body), let reader = try node.body.reader() else {
      return nil
    }
    let copy = scratch.file("add")
    let writer = try FileWriter(creating: copy)
    _ = try reader.copy(to: writer)
    try writer.finish()
    let index = try ArchiveNormalizer.tar(from: copy, into: scratch.file("add-tar"), limits: Self.limits)
    let linked = index.linkedFiles
    // Directories the archive only implies keep what the image says of them.
    nodes = index.entries.filter { !$0.isImplied }.map {
      FileNode($0, bodies: index.files, linked: linked, archive: copy.string)
    }
  }

  /// Docker: names that begin with a slash are taken from the destination.
  private static let limits = TarLimits(absolutePaths: .stripped)

  /// Looks at the first block, uncompressed.
  private static func isTar(_ body: FileBody) throws(Failure) -> Bool {
    guard let raw = try body.reader() else { return false }
    do throws(Failure) {
      return try ArchiveNormalizer.isTar(Decompression.reader(over: raw, limit: BuildContext.limit))
    } catch {
      guard error.code == .invalidArgument else { throw error }
      // A damaged compressed file is not an archive that can be unpacked: it is copied as it is, as Docker does.
      return false
    }
  }
}
