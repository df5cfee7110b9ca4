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
    let index = try ArchiveNormalizer.tar(from: copy, into: scratch.file("add-tar"))
    let linked = index.linkedFiles
    // Directories the archive only implies keep what the image says of them.
    nodes = index.entries.filter { !$0.isImplied }.map {
      FileNode($0, bodies: index.files, linked: linked, archive: copy.string)
    }
  }

  /// Looks at the first block, uncompressed: POSIX and GNU tar have `ustar` at byte 257.
  private static func isTar(_ body: FileBody) throws(Failure) -> Bool {
    guard let raw = try body.reader() else { return false }
    do throws(Failure) {
      let reader = BufferedReader(over: try Decompression.reader(over: raw, limit: BuildContext.limit))
      let block = try reader.peek(512)
      return block.count == 512 && block[257..<262].elementsEqual("ustar".utf8)
    } catch {
      guard error.code == .invalidArgument else { throw error }
      // A damaged compressed file is not an archive that can be unpacked: it is copied as it is, as Docker does.
      return false
    }
  }
}
