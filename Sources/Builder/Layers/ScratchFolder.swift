import Diagnostics
import Storage
import Synchronization
import SystemPackage

/// One build's folder for temporary files, below the data directory's `work/`; removed with everything in it.
final class ScratchFolder: Sendable {
  let path: FilePath
  private let count = Atomic<Int>(0)

  init(_ path: FilePath) throws(Failure) {
    self.path = path
    try FileSystem.makeDirectory(path)
  }

  /// A path in the folder that nothing has yet.
  func file(_ name: String) -> FilePath {
    path.appending("\(name)-\(count.add(1, ordering: .relaxed).newValue)")
  }

  /// A new directory in the folder.
  func directory(_ name: String) throws(Failure) -> FilePath {
    let made = file(name)
    try FileSystem.makeDirectory(made)
    return made
  }

  /// What cannot be removed now goes at the next start, which empties `work/`.
  func remove() { try? FileTree.remove(path) }
}
