import Diagnostics
import Glibc
import SystemPackage

/// Walks a directory tree: parents before their children, names sorted by their bytes, links not followed.
///
/// Holds one descriptor a level, and no stack frames, so that depth ends in a failure and not in a crash.
final class TreeWalker {
  struct Item {
    /// Relative to the root.
    var path: FilePath
    var name: [UInt8]
    /// The path without the name, as bytes.
    var parentPath: [UInt8]
    var parent: DirectoryHandle
    var status: FileStatus
  }

  private struct Level {
    var directory: DirectoryHandle
    var path: [UInt8]
    var names: [[UInt8]]
    var index = 0
  }

  private var levels: [Level]
  /// The directory returned last, whose turn it is unless it is pruned.
  private var pending: Item?

  init(root: FilePath) throws(Failure) {
    let directory = try DirectoryHandle(opening: root)
    levels = [Level(directory: directory, path: [], names: try directory.list())]
  }

  /// The next file, directory or whatever; nil after the last. The root itself is not among them.
  func next() throws(Failure) -> Item? {
    if let item = pending {
      pending = nil
      let directory = try item.parent.openDirectory(item.name)
      levels.append(Level(directory: directory, path: joined(item.parentPath, item.name), names: try directory.list()))
    }
    while let level = levels.last {
      guard level.index < level.names.count else {
        levels.removeLast()
        continue
      }
      levels[levels.count - 1].index += 1
      let name = level.names[level.index]
      // Nil: removed since it was listed.
      guard let status = try level.directory.status(name) else { continue }
      let item = Item(
        path: FilePath(bytes: joined(level.path, name)),
        name: name,
        parentPath: level.path,
        parent: level.directory,
        status: status
      )
      if status.kind == .directory { pending = item }
      return item
    }
    return nil
  }

  /// Leaves out what is below the directory returned last.
  func prune() { pending = nil }
}
