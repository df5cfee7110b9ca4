import Diagnostics
import FoundationEssentials
import GRDB
import OCI
import Synchronization
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The rows of the house, in SQLite: builds, contexts, tags, manifests, layers, step cache, sealed secrets.
///
/// Each method is one transaction; what it returned from is on the disk when the directory is durable. Methods are
/// in one extension a concern.
package final class Ledger: Sendable {
  static let file = "ledger.sqlite"

  private let pool: DatabasePool
  private let path: FilePath
  private let isClosed = Atomic(false)

  init(_ path: FilePath, durability: Durability) throws(Failure) {
    var configuration = Configuration()
    configuration.maximumReaderCount = 4
    configuration.busyMode = .timeout(5)
    self.path = path
    try Self.makePrivate(path)
    do {
      pool = try DatabasePool(path: path.string, configuration: configuration)
      // FULL syncs the log at every commit; NORMAL, which GRDB sets while it turns the WAL on, would lose the last
      // commits with the power. It is a property of the writing connection, of which there is one.
      try pool.writeWithoutTransaction { db in
        try db.execute(sql: "PRAGMA synchronous = \(durability == .durable ? "FULL" : "OFF")")
      }
      let migrator = Self.migrator
      if try pool.read(migrator.hasBeenSuperseded) {
        throw Failure(
          .failedPrecondition,
          reason: "ledger-newer",
          "ledger '\(path)' was written by a later version of kindling",
          hint: "use that version, or choose another directory with --data-dir"
        )
      }
      try LedgerUpgrade(path: path, pool: pool, migrator: migrator).run()
    } catch {
      throw Self.failure(error, while: "opening the ledger", path)
    }
  }

  /// Rows hold what apps get as environment, and a data directory that was there before may be open to other users.
  /// SQLite gives the log and its index the mode of the ledger, so that is made first.
  private static func makePrivate(_ path: FilePath) throws(Failure) {
    let descriptor = try path.open(O_RDWR | O_CREAT, mode: 0o600, "opening the ledger")
    try? descriptor.close()
    for suffix in ["", "-wal", "-shm"] {
      let (result, code) = FilePath("\(path)\(suffix)").attempt { chmod($0, 0o600) }
      guard result == 0 || code == ENOENT else { throw Failure.system(code, "closing the ledger to other users", path) }
    }
  }

  func close() {
    isClosed.store(true, ordering: .sequentiallyConsistent)
    // Closing fails only while a statement runs; the kernel closes the files with the process then.
    try? pool.close()
  }

  /// Throws what stands in the way of writing a row now. The row is taken back, so that asking often costs the disk
  /// nothing.
  package func checkWritable() throws(Failure) {
    do {
      try pool.writeWithoutTransaction { db in
        try db.inTransaction(.immediate) {
          try db.execute(
            sql: "INSERT INTO build_secrets (organization, secret_group, sealed) VALUES ('', '', x'')")
          return .rollback
        }
      }
    } catch {
      throw failure(error, while: "writing to the ledger")
    }
  }

  func read<T>(_ doing: String, _ body: (Database) throws -> T) throws(Failure) -> T {
    do { return try pool.read(body) } catch { throw failure(error, while: doing) }
  }

  /// One transaction: a throw of `body` takes everything back.
  func write<T>(_ doing: String, _ body: (Database) throws -> T) throws(Failure) -> T {
    do { return try pool.write(body) } catch { throw failure(error, while: doing) }
  }

  /// What calls get after `close()`: their server is being reset or stopped.
  static let closed = Failure(
    .unavailable, reason: "data-directory-closed", "the server is being reset or stopped", hint: "try again in a moment"
  )

  private func failure(_ error: any Error, while doing: String) -> Failure {
    isClosed.load(ordering: .sequentiallyConsistent) ? Self.closed : Self.failure(error, while: doing, path)
  }

  private static func failure(_ error: any Error, while doing: String, _ path: FilePath) -> Failure {
    guard let database = error as? DatabaseError else { return Failure(wrapping: error, while: doing) }
    let cause = database.message ?? database.description
    switch database.resultCode {
    case .SQLITE_FULL:
      return Failure(
        .resourceExhausted,
        reason: "disk-full",
        "no space left for the ledger '\(path)'",
        hint: "free some space, or choose another directory with --data-dir",
        cause: "\(doing): \(cause)"
      )
    case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM:
      return Failure(
        .failedPrecondition,
        reason: "data-directory-not-writable",
        "the ledger '\(path)' is not writable",
        hint: "make it writable for this user, or choose another directory with --data-dir",
        cause: "\(doing): \(cause)"
      )
    case .SQLITE_CORRUPT, .SQLITE_NOTADB:
      return Failure(
        .dataLoss,
        reason: "ledger-damaged",
        "the ledger '\(path)' is damaged",
        hint: "restore 'ledger.sqlite' from a copy, or start with another directory: --data-dir",
        cause: "\(doing): \(cause)"
      )
    case .SQLITE_CONSTRAINT:
      return Failure(.alreadyExists, reason: "row-exists", "\(doing) met a row that is already there", cause: cause)
    default:
      return Failure(.internal, reason: "ledger-failed", "\(doing) failed", cause: cause)
    }
  }
}

/// Lists and maps stand in the ledger as JSON text.
enum JSONColumn {
  static func text(_ value: some Encodable) throws -> String {
    String(decoding: try CanonicalJSON.encode(value), as: UTF8.self)
  }

  static func text<T: Encodable>(ifPresent value: T?) throws -> String? {
    guard let value else { return nil }
    return try text(value)
  }

  static func value<T: Decodable>(_ type: T.Type, _ text: String) throws -> T {
    try CanonicalJSON.decode(type, from: text.utf8)
  }
}
