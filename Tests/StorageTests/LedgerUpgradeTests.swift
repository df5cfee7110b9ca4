import Diagnostics
import GRDB
import OCI
import SystemPackage
import Testing

@testable import Storage

@Suite("The ledger of an earlier version") struct LedgerUpgradeTests {
  private func oldDirectory(_ scratch: Scratch, _ change: String = "") throws -> FilePath {
    let folder = scratch.path.appending("data")
    try folder.makeDirectory()
    let queue = try DatabaseQueue(path: folder.appending("ledger.sqlite").string)
    try queue.write { db in try db.execute(sql: OldLedger.text + change) }
    try queue.close()
    return folder
  }

  private func copies(_ folder: FilePath) throws -> [String] {
    try folder.entries().filter { $0.contains(".before-") }
  }

  @Test("is copied before it is upgraded, once, and the copy is what it was")
  func copied() throws {
    let scratch = try Scratch()
    let folder = try oldDirectory(scratch)
    try folder.appending("ledger.sqlite.before-0").replaceContents(with: [1], durability: .ephemeral)
    try scratch.open(.durable).close()
    #expect(try copies(folder) == ["ledger.sqlite.before-2"])
    let copy = try DatabaseQueue(path: folder.appending("ledger.sqlite.before-2").string)
    let (steps, builds) = try copy.read { db in
      (
        try String.fetchAll(db, sql: "SELECT identifier FROM grdb_migrations"),
        try Int.fetchOne(db, sql: "SELECT count(*) FROM builds")
      )
    }
    #expect(steps.sorted() == ["1 builds and contexts", "1 layers, secrets", "1 registry"] && builds == 2)
    // Nothing is left to upgrade.
    try scratch.open(.durable).close()
    #expect(try copies(folder) == ["ledger.sqlite.before-2"])
  }

  @Test("stays as it was when the upgrade fails in the middle, and nothing of it is lost")
  func failed() throws {
    let scratch = try Scratch()
    // The second step finds the table that it is to make.
    let folder = try oldDirectory(scratch, "\nCREATE TABLE pulled_tags (mine TEXT); INSERT INTO pulled_tags VALUES ('x');")
    do {
      _ = try scratch.open(.durable)
      Issue.record("the upgrade did not fail")
    } catch let failure as Failure {
      #expect(failure.reason == "ledger-not-upgraded" && failure.code == .failedPrecondition)
      #expect(failure.message.contains(folder.string) && failure.cause?.contains("pulled_tags") == true, "\(failure)")
    }
    let ledger = try DatabaseQueue(path: folder.appending("ledger.sqlite").string)
    try ledger.read { (db: Database) throws in
      #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM grdb_migrations") == 3)
      #expect(try Int.fetchOne(db, sql: "SELECT count(*) FROM builds") == 2)
      #expect(try String.fetchOne(db, sql: "SELECT mine FROM pulled_tags") == "x")
      #expect(try db.columns(in: "builds").contains { $0.name == "git_url" } == false)
    }
    #expect(try copies(folder).isEmpty)
  }

  @Test("a new one is not copied")
  func new() throws {
    let scratch = try Scratch()
    try scratch.open(.durable).close()
    #expect(try copies(scratch.path.appending("data")).isEmpty)
  }
}
