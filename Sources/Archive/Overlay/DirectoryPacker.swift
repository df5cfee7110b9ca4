import CCompression
import Diagnostics
import Glibc
import SystemPackage

/// Writes a directory of the user's machine as a tar, to be uploaded as a build's context.
package struct DirectoryPacker {
  package struct Summary: Sendable, Hashable {
    package var entries = 0
    /// Regular files among the entries.
    package var files = 0
    /// Bytes of regular files.
    package var size = ByteCount(0)
    package var leftOut: [LeftOut] = []

    package init() {}
  }

  /// Something that is in the directory and not in the tar.
  package struct LeftOut: Sendable, Hashable {
    package enum Reason: Sendable, Hashable {
      /// The caller's rule said so; of a directory only its own name is listed, not what is below.
      case skipped
      /// A socket, pipe or device, which no build can read.
      case special(FileStatus.Kind)
    }
    package var path: FilePath
    package var reason: Reason

    package init(path: FilePath, reason: Reason) {
      self.path = path
      self.reason = reason
    }
  }

  package var directory: FilePath

  package init(directory: FilePath) { self.directory = directory }

  /// Writes regular files, directories and links sorted by path, as user and group 0; doesn't finish `tar`.
  ///
  /// `skip` is asked for every path (relative, and whether it is a directory); true leaves it out with all below.
  /// A file that can't be read throws `file-permission`, one that shrinks meanwhile `file-changed`.
  package func pack(
    into tar: TarWriter,
    skip: (FilePath, Bool) -> Bool = { _, _ in false }
  ) throws(Failure) -> Summary {
    let walker = try TreeWalker(root: directory)
    var summary = Summary()
    while let item = try walker.next() {
      if skip(item.path, item.status.kind == .directory) {
        summary.leftOut.append(LeftOut(path: item.path, reason: .skipped))
        walker.prune()
        continue
      }
      var entry = TarEntry(item)
      (entry.uid, entry.gid) = (0, 0)
      switch item.status.kind {
      case .directory: try tar.append(entry)
      case .symlink:
        entry.kind = .symlink(target: try item.parent.readLink(item.name))
        try tar.append(entry)
      case .file:
        entry.size = try write(entry, item, tar)
        summary.files += 1
        summary.size.bytes += entry.size
      case .characterDevice, .blockDevice, .fifo, .socket:
        summary.leftOut.append(LeftOut(path: item.path, reason: .special(item.status.kind)))
        continue
      }
      summary.entries += 1
    }
    return summary
  }

  private func write(_ entry: TarEntry, _ item: TreeWalker.Item, _ tar: TarWriter) throws(Failure) -> Int64 {
    let descriptor = try item.parent.open(item.name, O_RDONLY | O_NONBLOCK)
    defer { close(descriptor) }
    var status = stat()
    try retrying("examined", item.path) { fstat(descriptor, &status) }
    var entry = entry
    entry.size = Int64(status.st_size)
    entry.xattrs = try ExtendedAttributes.portable(of: descriptor, path: item.path)
    try tar.append(entry, body: FileReader(FileDescriptor(rawValue: descriptor)))
    return entry.size
  }
}
