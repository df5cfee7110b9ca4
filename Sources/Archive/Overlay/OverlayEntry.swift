import Diagnostics
import Glibc
import SystemPackage

/// What one overlay layer holds at a path, looked up without mounting it.
package struct OverlayEntry: Sendable {
  /// As a tar would hold it, body excluded; the path is the one asked for.
  package var entry: TarEntry
  /// The name is removed: what lower layers hold there is gone.
  package var isWhiteout: Bool
  /// The directory does not merge with those of lower layers.
  package var isOpaque: Bool
  package var status: FileStatus
}

extension RootDirectory {
  /// Looks at exactly `path`; nil when nothing is there or something above it is no directory.
  package func lookUp(_ path: FilePath, _ xattrs: OverlayXattrs) throws(Failure) -> OverlayEntry? {
    let status: FileStatus
    do { status = try self.status(path, followLast: false) } catch  where error.code == .notFound { return nil }
    guard let kind = try kind(of: path, status) else { return nil }
    var found = OverlayEntry(
      entry: TarEntry(
        path: path, kind: kind, mode: status.mode, uid: status.uid, gid: status.gid,
        size: kind == .file ? status.size : 0, mtime: FileTime(seconds: status.mtime.seconds)),
      isWhiteout: status.isWhiteout, isOpaque: false, status: status)
    guard status.kind == .file || status.kind == .directory else { return found }
    let file = try descriptor(for: path, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    defer { close(file) }
    for name in try ExtendedAttributes.names(of: file, path: path) {
      if ExtendedAttributes.isPortable(name), let value = try ExtendedAttributes.get(name, of: file, path: path) {
        found.entry.xattrs[name] = value
      }
    }
    if status.kind == .directory {
      found.isOpaque = try ExtendedAttributes.get(xattrs.opaque, of: file, path: path) == [UInt8(ascii: "y")]
    }
    return found
  }

  private func kind(of path: FilePath, _ status: FileStatus) throws(Failure) -> TarEntry.Kind? {
    switch status.kind {
    case .file: .file
    case .directory: .directory
    case .symlink: .symlink(target: try readLink(path))
    case .characterDevice: .characterDevice(major: status.major, minor: status.minor)
    case .blockDevice: .blockDevice(major: status.major, minor: status.minor)
    case .fifo: .fifo
    case .socket: nil
    }
  }
}
