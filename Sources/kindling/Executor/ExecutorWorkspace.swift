import Diagnostics
import Foundation
import Storage
import SystemPackage

/// The data directory of one executor: kept when its steps are to be found again, else gone with it.
struct ExecutorWorkspace: Sendable {
  let data: DataDirectory
  private let folder: FilePath
  private let isTemporary: Bool
  /// Why it is not the one that was asked for.
  let note: String?

  private static let prefix = "executor-"

  /// `--kaniko-dir` keeps everything below it; `--cache` keeps it in the user's cache folder; else nothing is kept.
  static func open(
    _ settings: ExecutorSettings, environment: [String: String]
  ) throws(Failure) -> ExecutorWorkspace {
    if let asked = settings.dataDirectory {
      return try ExecutorWorkspace(asked.appending("kindling"), isTemporary: settings.isCleaning)
    }
    let home = cacheFolder(environment)
    removeLeftovers(in: home)
    let temporary = home.appending(prefix + UUID().uuidString.lowercased())
    guard settings.isCaching else { return try ExecutorWorkspace(temporary, isTemporary: true) }
    do throws(Failure) {
      return try ExecutorWorkspace(home.appending("executor"), isTemporary: settings.isCleaning)
    } catch {
      guard error.reason == "data-directory-in-use" else { throw error }
      let note = "the cache is in use by another build: this one goes without (--kaniko-dir gives it one of its own)"
      return try ExecutorWorkspace(temporary, isTemporary: true, note: note)
    }
  }

  private init(_ folder: FilePath, isTemporary: Bool, note: String? = nil) throws(Failure) {
    do {
      try FileManager.default.createDirectory(
        atPath: folder.removingLastComponent().string, withIntermediateDirectories: true)
    } catch {
      throw Failure(
        .failedPrecondition, reason: "data-directory-not-writable", "'\(folder)' cannot be made",
        hint: "name a directory with --kaniko-dir", cause: error.localizedDescription)
    }
    self.folder = folder
    self.isTemporary = isTemporary
    self.note = note
    data = try DataDirectory.open(at: folder, durability: .ephemeral)
  }

  /// Gives the directory back, and removes a temporary one.
  func close() {
    data.close()
    if isTemporary { try? FileTree.remove(folder) }
  }

  /// `XDG_CACHE_HOME/kindling`, else `~/.cache/kindling`, else the folder for temporary files.
  static func cacheFolder(_ environment: [String: String]) -> FilePath {
    // Spec: XDG Base Directory says to ignore a relative XDG_CACHE_HOME.
    if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") { return FilePath(cache).appending("kindling") }
    if let home = environment["HOME"], !home.isEmpty { return FilePath(home).appending(".cache/kindling") }
    return FilePath(NSTemporaryDirectory()).appending("kindling")
  }

  /// What executors that were killed left here. One that runs holds its directory's lock; one that is just starting is
  /// too young to be taken for a leftover.
  private static func removeLeftovers(in home: FilePath) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: home.string)) ?? []
    for name in names where name.hasPrefix(prefix) {
      let folder = home.appending(name)
      let attributes = try? FileManager.default.attributesOfItem(atPath: folder.string)
      guard let changed = attributes?[.modificationDate] as? Date, changed.timeIntervalSinceNow < -3600,
        let left = try? DataDirectory.open(at: folder, durability: .ephemeral)
      else { continue }
      left.close()
      try? FileTree.remove(folder)
    }
  }
}
