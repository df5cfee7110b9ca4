import SystemPackage

/// One member of a tar archive: a file of any kind and everything about it but its bytes.
package struct TarEntry: Sendable, Hashable {
  package enum Kind: Sendable, Hashable {
    case file, directory
    /// The target as written, which may point anywhere.
    case symlink(target: FilePath)
    /// The target is a path from the archive's root, like `path`.
    case hardLink(target: FilePath)
    case characterDevice(major: UInt32, minor: UInt32)
    case blockDevice(major: UInt32, minor: UInt32)
    case fifo
  }

  /// Relative to the archive's root, without `.` and `..`; empty for the root itself. Names are bytes, not text.
  package var path: FilePath
  package var kind: Kind
  /// Permissions, setuid, setgid and sticky: 12 bits.
  package var mode: UInt16
  package var uid: UInt32
  package var gid: UInt32
  /// Names of owner and group as read; they mean nothing inside an image and are never written.
  package var userName: String
  package var groupName: String
  /// Bytes of the body; 0 for all but files.
  package var size: Int64
  package var mtime: FileTime
  /// Extended attributes by full name, such as `security.capability`.
  package var xattrs: [String: [UInt8]]

  package init(
    path: FilePath,
    kind: Kind,
    mode: UInt16,
    uid: UInt32 = 0,
    gid: UInt32 = 0,
    userName: String = "",
    groupName: String = "",
    size: Int64 = 0,
    mtime: FileTime = FileTime(seconds: 0),
    xattrs: [String: [UInt8]] = [:]
  ) {
    self.path = path
    self.kind = kind
    self.mode = mode
    self.uid = uid
    self.gid = gid
    self.userName = userName
    self.groupName = groupName
    self.size = size
    self.mtime = mtime
    self.xattrs = xattrs
  }
}

/// A file's time stamp, in Unix time.
package struct FileTime: Sendable, Hashable, Comparable {
  package var seconds: Int64
  /// 0 to 999,999,999, forward from `seconds`.
  package var nanoseconds: Int32

  package init(seconds: Int64, nanoseconds: Int32 = 0) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  package static func < (a: Self, b: Self) -> Bool { (a.seconds, a.nanoseconds) < (b.seconds, b.nanoseconds) }
}
