import Diagnostics
import GRDB
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Brings the ledger of an earlier version to this one's shape.
///
/// It is copied first, to `ledger.sqlite.before-N`, N the first step that it lacks. An upgrade that fails puts the copy
/// back, so that the version that wrote it still reads it. One copy is kept, until the next upgrade or reset.
struct LedgerUpgrade {
  let path: FilePath
  let pool: DatabasePool
  let migrator: DatabaseMigrator

  func run() throws {
    let applied = try pool.read(migrator.appliedIdentifiers)
    guard let first = migrator.migrations.first(where: { !applied.contains($0) }) else { return }
    // A new ledger has nothing to lose.
    guard !applied.isEmpty else { return try migrator.migrate(pool) }
    let copy = FilePath("\(path).before-\(first.prefix { $0 != " " })")
    try makeCopy(copy)
    do { try migrator.migrate(pool) } catch {
      try putBack(copy)
      let cause = (error as? Failure)?.oneLine ?? String(describing: error)
      throw Failure(
        .failedPrecondition, reason: "ledger-not-upgraded",
        "ledger '\(path)' cannot be brought from its version to this one's, and was left as it was",
        hint: "use the version that wrote it, or choose another directory with --data-dir", cause: cause)
    }
  }

  private func makeCopy(_ copy: FilePath) throws {
    let unfinished = FilePath("\(copy).new")
    try unfinished.removeFile()
    try pool.writeWithoutTransaction { db in
      try db.execute(sql: "VACUUM INTO ?", arguments: [unfinished.string])
    }
    try unfinished.system("closing the ledger's copy to other users") { chmod($0, 0o600) }
    try unfinished.synchronize()
    let folder = path.removingLastComponent()
    let name = path.lastComponent?.string ?? ""
    for old in try folder.entries() where old.hasPrefix(name + ".before-") && folder.appending(old) != unfinished {
      try folder.appending(old).removeFile()
    }
    try unfinished.rename(to: copy)
    try folder.synchronize()
  }

  /// The log of the changes goes first: it belongs to the file that is replaced.
  private func putBack(_ copy: FilePath) throws {
    try pool.close()
    for suffix in ["-wal", "-shm"] { try FilePath("\(path)\(suffix)").removeFile() }
    try copy.rename(to: path)
    try path.removingLastComponent().synchronize()
  }
}
