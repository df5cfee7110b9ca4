import CCompression
import Diagnostics
import Glibc
import SystemPackage

/// A directory taken as the root of a file system: nothing reached through it is outside it.
///
/// Links, absolute ones too, and `..` are resolved by the kernel as in a chroot (openat2(2), `RESOLVE_IN_ROOT`), safe
/// against trees that are hostile and change while we look. Paths may begin with `/` or not; both mean this root.
package final class RootDirectory: Sendable {
  package let path: FilePath
  let descriptor: CInt

  package init(_ path: FilePath) throws(Failure) {
    self.path = path
    descriptor = try retrying("opened", path) {
      path.withPlatformString { Glibc.open($0, kindling_o_path | O_DIRECTORY | O_CLOEXEC) }
    }
  }

  deinit { close(descriptor) }

  /// Opens a file; the caller closes the descriptor. Never waits for the other end of a pipe.
  ///
  /// `permissions` are for a file that `.create` makes. Throws `file-not-found` and its kin.
  package func open(
    _ relative: FilePath,
    _ mode: FileDescriptor.AccessMode = .readOnly,
    options: FileDescriptor.OpenOptions = [],
    permissions: FilePermissions = .ownerReadWrite
  ) throws(Failure) -> FileDescriptor {
    let flags = mode.rawValue | options.rawValue | O_NONBLOCK | O_NOCTTY
    let permissions = options.contains(.create) ? UInt32(permissions.rawValue) : 0
    return FileDescriptor(rawValue: try descriptor(for: relative, flags: flags, mode: permissions))
  }

  /// The status of a file; of a link itself unless `followLast`.
  package func status(_ relative: FilePath, followLast: Bool = true) throws(Failure) -> FileStatus {
    let descriptor = try descriptor(for: relative, flags: kindling_o_path | (followLast ? 0 : O_NOFOLLOW))
    defer { close(descriptor) }
    var status = stat()
    try retrying("examined", relative) { fstat(descriptor, &status) }
    return FileStatus(status)
  }

  /// The target of a link, as written.
  package func readLink(_ relative: FilePath) throws(Failure) -> FilePath {
    let descriptor = try descriptor(for: relative, flags: kindling_o_path | O_NOFOLLOW)
    defer { close(descriptor) }
    return try DirectoryHandle.readLink(descriptor, [], path: relative)
  }

  /// The names in a directory but `.` and `..`, sorted by their bytes.
  package func list(_ relative: FilePath) throws(Failure) -> [FilePath.Component] {
    let descriptor = try descriptor(for: relative, flags: O_RDONLY | O_DIRECTORY)
    return try DirectoryHandle(owning: descriptor, path: relative.bytes).list().compactMap {
      FilePath(bytes: $0).lastComponent
    }
  }

  /// The bytes of a regular file, such as `etc/passwd`; more than `limit` throw `archive-too-large`, files of other
  /// kinds `file-kind`.
  package func contents(of relative: FilePath, limit: ByteCount) throws(Failure) -> [UInt8] {
    guard try status(relative).kind == .file else {
      throw Failure(.invalidArgument, reason: "file-kind", "file '\(relative)' is not a regular file")
    }
    return try FileReader(try open(relative), closing: true).contents(limit: limit)
  }

  /// Opens by openat2(2) with flags of open(2).
  func descriptor(for relative: FilePath, flags: CInt, mode: UInt32 = 0) throws(Failure) -> CInt {
    let name = relative.isEmpty ? FilePath(".") : relative
    while true {
      let result = name.withPlatformString { kindling_open_in_root(descriptor, $0, flags | O_CLOEXEC, mode) }
      if result >= 0 { return result }
      switch errno {
      // EAGAIN: something was renamed while `..` was resolved, and the kernel was not sure.
      case EINTR, EAGAIN: continue
      case ENOSYS:
        throw Failure(
          .failedPrecondition,
          reason: "kernel-too-old",
          "the kernel has no openat2",
          hint: "use Linux 5.6 or newer"
        )
      default: throw Failure(errno: errno, doing: "opened", path: relative)
      }
    }
  }
}
