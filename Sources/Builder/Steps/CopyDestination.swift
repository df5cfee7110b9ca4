import Archive
import Diagnostics
import SystemPackage

/// Where a COPY puts things: the destination as the stage's root resolves it.
struct CopyDestination {
  let root: RootTree
  /// The destination, symbolic links followed, relative to the root.
  ///
  /// BuildKit: a link that is named itself is followed to what it leads to, be that a directory, a file, which is
  /// replaced, or nothing yet; a link met below the destination is replaced (test: "follows links on the way and the
  /// one it is sent to").
  let directory: FilePath
  private let isExistingDirectory: Bool
  /// Owner for everything copied; nil keeps the source's.
  let owner: (uid: UInt32, gid: UInt32)?
  /// The moment given to directories that come to be on the way.
  let now: Int64

  init(_ action: CopyAction, root: RootTree, owner: (uid: UInt32, gid: UInt32)?, now: Int64) throws(Failure) {
    self.root = root
    self.owner = owner
    self.now = now
    let path = FilePath(action.destination).removingRoot()
    directory = try root.resolve(path, followLast: true)
    if directory.isEmpty {
      isExistingDirectory = true
    } else if case .directory? = try root.node(directory)?.entry.kind {
      isExistingDirectory = true
    } else {
      isExistingDirectory = false
    }
  }

  /// Where a single file goes: into the destination when that is a directory, else in its place.
  func file(named name: FilePath.Component, isDirectory: Bool) -> FilePath {
    isDirectory || isExistingDirectory ? directory.appending(name) : directory
  }

  /// The same for a file that may have no name of its own; nil where it would need one.
  func place(ofFile name: FilePath.Component?, isDirectory: Bool) -> FilePath? {
    if let name { return file(named: name, isDirectory: isDirectory) }
    return isDirectory || isExistingDirectory ? nil : directory
  }

  /// The entry for a directory on the way to something copied: as it is in the root (`existing`), or new with mode
  /// 0755.
  ///
  /// The layer names existing parents with their own attributes, because in an overlay the topmost directory's count
  /// (test: copyKeepsTheStickyBitOfAnExistingDirectory).
  func parent(_ path: FilePath, existing: TarEntry?) throws(Failure) -> TarEntry {
    if var entry = existing {
      guard case .directory = entry.kind else {
        throw Failure(
          .invalidArgument, reason: "copy-parent-not-directory", "'/\(path)' is in the way: it is not a directory")
      }
      entry.path = path
      return entry
    }
    var entry = TarEntry(path: path, kind: .directory, mode: 0o755)
    entry.uid = owner?.uid ?? 0
    entry.gid = owner?.gid ?? 0
    entry.mtime = FileTime(seconds: now)
    return entry
  }
}
