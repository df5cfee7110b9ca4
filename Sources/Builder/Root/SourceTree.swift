import Archive
import Diagnostics
import OCI
import SystemPackage

/// A tree of files that COPY reads from: the context, or a stage's root.
///
/// Paths are relative to the tree's root; the empty path is the root itself.
protocol SourceTree {
  /// What stands at exactly `path`, a final symbolic link not followed; the directories above must be real ones
  /// (`resolve` makes them so). Nil when nothing is there.
  func node(_ path: FilePath) throws(Failure) -> FileNode?
  /// The names in a directory, sorted by their bytes.
  func names(in path: FilePath) throws(Failure) -> [FilePath.Component]
}

/// One file, directory or link of a tree, as a tar entry describes it, and where its bytes are.
struct FileNode: Sendable {
  /// Carries the path inside its own tree.
  var entry: TarEntry
  var body: FileBody
  /// The body's SHA-256 when it is already known.
  var digest: Digest?
  /// Names the file behind several hard links; nil when there is only one name.
  var link: LinkIdentity?

  enum LinkIdentity: Hashable, Sendable {
    case inode(UInt64, device: UInt64)
    /// A file with several names in an archive or layer, told by one of the names.
    case member(FilePath, of: String)
  }
}

extension FileNode {
  /// The SHA-256 of a file's bytes, read now unless it is known.
  func digestOfBody() throws(Failure) -> Digest {
    if let digest { return digest }
    guard let reader = try body.reader() else { return Digest(sha256Of: []) }
    let hashed = HashingReader(over: reader)
    _ = try hashed.drain()
    return hashed.digest
  }

  /// A tree's own root, where nothing is said of it.
  static let root = FileNode(entry: TarEntry(path: FilePath(), kind: .directory, mode: 0o755), body: .none)
}

/// Where a file's bytes can be read, as often as wanted.
enum FileBody: Sendable {
  case none
  case bytes([UInt8])
  /// A range of a file on the host, such as an uncompressed tar.
  case range(FilePath, offset: Int64, length: Int64)
  /// A file inside a root on the host.
  case inside(RootDirectory, FilePath)
  /// The same for a root that others may write to while it is read, such as a context directory.
  case changeable(RootDirectory, FilePath)

  func reader() throws(Failure) -> (any ByteReader)? {
    switch self {
    case .none: nil
    case .bytes(let bytes): BytesReader(bytes)
    case .range(let path, let offset, let length): try FileReader(path: path, offset: offset, length: length)
    case .inside(let root, let path), .changeable(let root, let path):
      FileReader(try root.open(path), closing: true)
    }
  }
}

extension SourceTree {
  /// Follows symbolic links in all components but, unless `followLast`, the last one; never leaves the root, as in a
  /// chroot. Components that do not exist are kept as they are. Throws `too-many-links` after 255 links.
  func resolve(_ path: FilePath, followLast: Bool) throws(Failure) -> FilePath {
    var open = Array(path.components)
    open.reverse()
    var done = FilePath()
    var links = 0
    while let component = open.popLast() {
      switch component.kind {
      case .currentDirectory: continue
      case .parentDirectory: _ = done.removeLastComponent()
      case .regular:
        let next = done.appending(component)
        guard followLast || !open.isEmpty, let node = try node(next), case .symlink(let target) = node.entry.kind else {
          done = next
          continue
        }
        links += 1
        guard links < 256 else {
          throw Failure(.invalidArgument, reason: "too-many-links", "path '\(path)' goes round in symbolic links")
        }
        let targetPath = target
        if targetPath.isAbsolute { done = FilePath() }
        open.append(contentsOf: targetPath.components.reversed())
      }
    }
    return done
  }
}
