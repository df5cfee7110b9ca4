import Diagnostics
import OCI
import SystemPackage

/// What a reset of the data directory leaves besides key, token and the server's own files.
package enum ResetScope: String, Sendable, Hashable, CaseIterable {
  case everything
  /// Stays: what steps made and what their cache mounts, git servers and URLs gave.
  case allButCaches = "all-but-caches"
}

/// Takes a data directory back to empty.
///
/// That it was decided stands in a file before anything is removed, and goes when everything is: whenever the server is
/// killed, the next start finds the directory as it was, or finds the mark and completes the reset.
struct DirectoryReset {
  static let mark = "reset"
  /// The server's own, which no reset touches. Everything else goes: a list of what goes would miss what is new.
  private static let kept: Set<String> = [
    mark, DirectoryLock.name, DataDirectory.runFileName, "README.txt", "key", "token", DataDirectory.Folder.work.rawValue,
  ]
  private static let caches: Set<String> = [
    DataDirectory.Folder.cache.rawValue, DataDirectory.Folder.git.rawValue, "oci", Ledger.file, Ledger.file + "-wal",
    Ledger.file + "-shm",
  ]

  let root: FilePath
  let durability: Durability

  private var mark: FilePath { root.appending(Self.mark) }

  /// What was decided and is not complete; nil for nothing.
  var decided: ResetScope? {
    guard let bytes = try? mark.readContents(limit: .kibibytes(1)) else { return nil }
    return ResetScope(rawValue: String(decoding: bytes, as: UTF8.self)) ?? .everything
  }

  /// From here on the directory is one that was reset.
  func decide(_ scope: ResetScope) throws(Failure) {
    try mark.replaceContents(with: scope.rawValue.utf8, durability: durability)
  }

  /// Removes what nobody may have open.
  func removeFiles(_ scope: ResetScope) throws(Failure) {
    for name in try root.entries() where !Self.kept.contains(name) {
      if scope == .allButCaches, Self.caches.contains(name) { continue }
      try FileTree.remove(root.appending(name))
    }
  }

  /// Ends the reset of a directory that is open again.
  func complete(_ scope: ResetScope, _ ledger: Ledger) throws(Failure) {
    if scope == .allButCaches {
      try ledger.forgetAllButSteps()
      try removeBlobs(except: Set(try ledger.cachedLayerDigests()))
    }
    try mark.removeFile()
    if durability == .durable { try root.synchronize() }
  }

  private func removeBlobs(except used: Set<Digest>) throws(Failure) {
    for algorithm in Digest.Algorithm.allCases {
      let folder = root.appending("oci/blobs").appending(algorithm.rawValue)
      let names = Set(used.filter { $0.algorithm == algorithm }.map(\.hex))
      for name in try folder.entries() where !names.contains(name) { try folder.appending(name).removeFile() }
    }
  }
}
