import CCompression
import Diagnostics
import Glibc
import SystemPackage

/// Writes an overlay's upper directory as a layer's tar: what a step changed, and nothing else.
package struct LayerPacker {
  package struct Summary: Sendable, Hashable {
    /// Entries written, whiteouts with them; 0 means that the step changed nothing.
    package var entries = 0
    /// Bytes of regular files.
    package var size = ByteCount(0)

    package init() {}
  }

  package var upper: FilePath
  package var xattrs: OverlayXattrs

  package init(upper: FilePath, xattrs: OverlayXattrs) {
    self.upper = upper
    self.xattrs = xattrs
  }

  /// Writes all entries sorted by path, parents first, without the upper directory itself; doesn't finish `tar`.
  ///
  /// `excluding` are paths relative to the upper directory that don't belong to the layer, such as mount points: they
  /// and everything below are left out. Times later than `mtimeClamp` (Unix seconds, SOURCE_DATE_EPOCH) become it.
  package func pack(
    into tar: TarWriter,
    excluding: Set<FilePath> = [],
    mtimeClamp: Int64? = nil
  ) throws(Failure) -> Summary {
    let walker = try TreeWalker(root: upper)
    var summary = Summary()
    // The first name of every file that has several.
    var firstNames: [Inode: FilePath] = [:]
    while let item = try walker.next() {
      if excluding.contains(item.path) {
        walker.prune()
        continue
      }
      if item.status.kind == .socket { continue }
      // Overlayfs gives many whiteouts one inode, so they come before hard links.
      if item.status.isWhiteout {
        try tar.append(Self.marker(item.parentPath, WhiteoutName.prefix + item.name))
        summary.entries += 1
        continue
      }
      var entry = TarEntry(item)
      if let mtimeClamp { entry.mtime = min(entry.mtime, FileTime(seconds: mtimeClamp)) }
      if item.status.kind != .directory, item.status.links > 1 {
        let inode = Inode(device: item.status.device, number: item.status.inode)
        if let first = firstNames[inode] {
          entry.kind = .hardLink(target: first)
        } else {
          firstNames[inode] = item.path
        }
      }
      summary.entries += try write(entry, item, tar)
      if entry.kind == .file { summary.size.bytes += item.status.size }
    }
    return summary
  }

  private struct Inode: Hashable {
    var device: UInt64
    var number: UInt64
  }

  /// Writes one entry with its body and its marks, and returns how many entries that were.
  private func write(_ entry: TarEntry, _ item: TreeWalker.Item, _ tar: TarWriter) throws(Failure) -> Int {
    var entry = entry
    switch entry.kind {
    case .file:
      let descriptor = try item.parent.open(item.name, O_RDONLY | O_NONBLOCK)
      defer { close(descriptor) }
      var status = stat()
      try retrying("examined", item.path) { fstat(descriptor, &status) }
      entry.size = Int64(status.st_size)
      entry.xattrs = try ExtendedAttributes.portable(of: descriptor, path: item.path)
      try tar.append(entry, body: FileReader(FileDescriptor(rawValue: descriptor)))
    case .directory:
      let directory = try item.parent.openDirectory(item.name)
      entry.xattrs = try ExtendedAttributes.portable(of: directory.descriptor, path: item.path)
      try tar.append(entry)
      let opaque = try ExtendedAttributes.get(xattrs.opaque, of: directory.descriptor, path: item.path)
      if opaque == [UInt8(ascii: "y")] {
        try tar.append(Self.marker(joined(item.parentPath, item.name), WhiteoutName.opaqueName))
        return 2
      }
    case .symlink:
      entry.kind = .symlink(target: try item.parent.readLink(item.name))
      try tar.append(entry)
    default: try tar.append(entry)
    }
    return 1
  }

  /// A whiteout, the same whenever and by whomever a name was removed.
  private static func marker(_ directory: [UInt8], _ name: [UInt8]) -> TarEntry {
    TarEntry(path: FilePath(bytes: joined(directory, name)), kind: .file, mode: 0)
  }
}

extension TarEntry {
  /// What a walk found, without its attributes; a link's target is still to be read.
  init(_ item: TreeWalker.Item) {
    let status = item.status
    let kind: Kind =
      switch status.kind {
      case .directory: .directory
      case .symlink: .symlink(target: FilePath())
      case .characterDevice: .characterDevice(major: status.major, minor: status.minor)
      case .blockDevice: .blockDevice(major: status.major, minor: status.minor)
      case .fifo: .fifo
      case .file, .socket: .file
      }
    self.init(
      path: item.path,
      kind: kind,
      mode: status.mode,
      uid: status.uid,
      gid: status.gid,
      size: status.kind == .file ? status.size : 0,
      mtime: status.mtime
    )
  }
}
