import CCompression
import Glibc

/// What the file system knows about a file (inode(7)).
package struct FileStatus: Sendable, Hashable {
  package enum Kind: Sendable, Hashable {
    case file, directory, symlink, characterDevice, blockDevice, fifo, socket
  }

  package var kind: Kind
  /// Permissions, setuid, setgid and sticky: 12 bits.
  package var mode: UInt16
  package var uid: UInt32
  package var gid: UInt32
  package var size: Int64
  package var mtime: FileTime
  /// When the file's content or anything else about it last changed; nobody can set it.
  package var ctime: FileTime
  /// The file system the file is on; together with `inode` it tells files apart.
  package var device: UInt64
  package var inode: UInt64
  /// Number of names the file has.
  package var links: Int
  /// The device a device file stands for.
  package var major: UInt32
  package var minor: UInt32

  init(_ status: stat) {
    kind =
      switch status.st_mode & S_IFMT {
      case S_IFDIR: .directory
      case S_IFLNK: .symlink
      case S_IFCHR: .characterDevice
      case S_IFBLK: .blockDevice
      case S_IFIFO: .fifo
      case S_IFSOCK: .socket
      default: .file
      }
    mode = UInt16(truncatingIfNeeded: status.st_mode & 0o7777)
    uid = status.st_uid
    gid = status.st_gid
    size = Int64(status.st_size)
    mtime = FileTime(
      seconds: Int64(status.st_mtim.tv_sec),
      nanoseconds: Int32(truncatingIfNeeded: status.st_mtim.tv_nsec)
    )
    ctime = FileTime(
      seconds: Int64(status.st_ctim.tv_sec),
      nanoseconds: Int32(truncatingIfNeeded: status.st_ctim.tv_nsec)
    )
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    links = Int(status.st_nlink)
    major = gnu_dev_major(status.st_rdev)
    minor = gnu_dev_minor(status.st_rdev)
  }

  /// Overlayfs marks a removed name by a character device 0:0.
  var isWhiteout: Bool { kind == .characterDevice && major == 0 && minor == 0 }
}
