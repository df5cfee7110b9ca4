import Diagnostics
import GRDB
import OCI
import Testing

@testable import Storage

@Suite("Apps in the ledger") struct AppLedgerTests {
  private static func moment(_ number: Int64) -> Timestamp { Timestamp(milliseconds: 1_700_000_000_000 + number) }

  private static func id(_ name: String = "app", of owner: String = "acme") throws -> AppID {
    AppID(organization: try organization(owner), name: try AppName(name))
  }

  private static func record(_ id: AppID) -> AppRecord {
    AppRecord(id: id, configuration: AppConfiguration(), createdAt: moment(1), updatedAt: moment(1))
  }

  private static func draft(_ id: AppID, _ content: UInt8 = 1) -> AppDraft {
    let code = AppCode.archive(Digest(sha256Of: [content]), dockerfile: "", arguments: [:])
    return AppDraft(app: id, code: code, codeHash: code.hash, savedAt: moment(2))
  }

  private static func image(_ content: UInt8 = 1) throws -> AppImage {
    AppImage(reference: "r/acme/app:1", repository: try Repository("acme/app"), digest: Digest(sha256Of: [content]))
  }

  /// Saved and compiled, ready to be published.
  private static func compiled(_ ledger: Ledger, _ id: AppID, _ content: UInt8 = 1) throws -> AppDraft {
    let draft = try ledger.save(draft(id, content), ifMissing: record(id))
    let deploy = DeployID.make(at: moment(3))
    _ = try ledger.beginCompile(deploy, of: draft)
    try ledger.endCompile(deploy, .success(try image(content)), at: moment(4))
    return try #require(try ledger.draft(of: id))
  }

  @Test("an app is added once, and a draft makes it where it is missing")
  func adding() throws {
    let ledger = try Scratch().open().ledger
    let id = try Self.id()
    #expect(try ledger.insert(Self.record(id)))
    #expect(try !ledger.insert(Self.record(id)))
    let other = try Self.id("other")
    #expect(Failure.reason { _ = try ledger.save(Self.draft(other), ifMissing: nil) } == "app-unknown")
    #expect(
      Failure.reason { _ = try ledger.save(Self.draft(id), ifMissing: Self.record(id), mustBeNew: true) }
        == "app-exists")
    #expect(try ledger.draft(of: id) == nil)
    #expect(try ledger.save(Self.draft(other), ifMissing: Self.record(other)).number == 1)
    #expect(try ledger.save(Self.draft(other, 2), ifMissing: Self.record(other)).number == 2)
    #expect(try ledger.draft(of: other)?.codeHash == Self.draft(other, 2).codeHash)
    let mine = try ledger.apps(of: organization(), limit: 9).map(\.id.name.name)
    #expect(mine == ["app", "other"])
    #expect(try ledger.apps(of: organization(), after: AppName("app"), limit: 9).count == 1)
    #expect(try ledger.apps(of: organization("x"), limit: 9).isEmpty)
  }

  @Test("publishing freezes the draft it was asked for, counts on, and is undone by activating an earlier one")
  func publishing() throws {
    let ledger = try Scratch().open().ledger
    let id = try Self.id()
    let draft = try Self.compiled(ledger, id)
    let image = try Self.image()
    #expect(draft.status == .compiled && draft.image == image)
    let first = try ledger.publish(id, draft: draft.number, at: Self.moment(5))
    #expect(first.version == AppVersion(1) && first.image == draft.image)
    let next = try Self.compiled(ledger, id, 2)
    #expect(Failure.reason { _ = try ledger.publish(id, draft: draft.number, at: Self.moment(6)) } == "draft-changed")
    #expect(try ledger.app(id)?.activeVersion == AppVersion(1))
    #expect(try ledger.publish(id, draft: next.number, at: Self.moment(7)).version == AppVersion(2))
    #expect(try ledger.app(id)?.activeVersion == AppVersion(2))
    #expect(try ledger.activate(AppVersion(1), of: id, at: Self.moment(8)).version == AppVersion(1))
    #expect(try ledger.app(id)?.activeVersion == AppVersion(1))
    #expect(Failure.reason { _ = try ledger.activate(AppVersion(3), of: id, at: Self.moment(8)) } == "version-unknown")
    #expect(try ledger.versions(of: id).map(\.version.number) == [2, 1])
    // The number of a version that was rolled back is not used again.
    #expect(try ledger.publish(id, draft: next.number, at: Self.moment(9)).version == AppVersion(3))
  }

  @Test("what a compile made counts for the draft it was begun for, and for no later one")
  func compiles() throws {
    let ledger = try Scratch().open().ledger
    let id = try Self.id()
    let old = try ledger.save(Self.draft(id), ifMissing: Self.record(id))
    let deploy = DeployID.make(at: Self.moment(3))
    #expect(try ledger.beginCompile(deploy, of: old) != nil)
    #expect(try ledger.draft(of: id)?.status == .compiling)
    #expect(try ledger.unfinishedCompiles().map(\.id) == [deploy])
    _ = try ledger.save(Self.draft(id, 2), ifMissing: nil)
    try ledger.endCompile(deploy, .success(try Self.image()), at: Self.moment(4))
    #expect(try ledger.draft(of: id)?.image == nil && ledger.draft(of: id)?.status == .saved)
    #expect(try ledger.beginCompile(DeployID.make(at: Self.moment(5)), of: old) == nil)
    #expect(try ledger.unfinishedCompiles().isEmpty)
    #expect(
      try ledger.compile(deploy, of: organization()) != nil && ledger.compile(deploy, of: organization("x")) == nil)
    let failed = try #require(try ledger.draft(of: id))
    let second = DeployID.make(at: Self.moment(6))
    _ = try ledger.beginCompile(second, of: failed)
    try ledger.endCompile(second, .failure(Failure(.aborted, reason: "why", "so")), at: Self.moment(7))
    try ledger.endCompile(second, .success(try Self.image()), at: Self.moment(8))
    #expect(try ledger.draft(of: id)?.status == .failed && ledger.draft(of: id)?.failure?.reason == "why")
  }

  @Test("archives stay while a draft or a version names them, and go with the app")
  func archives() throws {
    let ledger = try Scratch().open().ledger
    let id = try Self.id()
    let draft = try Self.compiled(ledger, id)
    _ = try ledger.publish(id, draft: draft.number, at: Self.moment(5))
    _ = try ledger.save(Self.draft(id, 2), ifMissing: nil)
    #expect(try ledger.contextDigestsInUse() == [Digest(sha256Of: [1]), Digest(sha256Of: [2])])
    try ledger.insert(
      ExecutionRecord(
        id: ExecutionID.make(at: Self.moment(6)), app: id, caller: organization(), createdAt: Self.moment(6)),
      keeping: 9)
    #expect(try ledger.delete(id))
    #expect(try !ledger.delete(id))
    #expect(try ledger.contextDigestsInUse().isEmpty && ledger.versions(of: id).isEmpty && ledger.draft(of: id) == nil)
    #expect(try ledger.interruptExecutions("x", at: Self.moment(7)) == 0)
  }

  @Test("what a draft or a version runs is no garbage without a tag, and neither is it among the pulled that may go")
  func collection() throws {
    let ledger = try Scratch().open().ledger
    let id = try Self.id()
    var names: [ManifestName] = []
    for content in [UInt8(1), 2, 3] {
      let name = ManifestName(repository: try Repository("acme/app"), digest: Digest(sha256Of: [content]))
      try ledger.raw(
        "INSERT INTO manifests (repository, digest, media_type, size, pushed_at) VALUES ('acme/app', '\(name.digest)', 'x', 1, 1)"
      )
      try ledger.raw("INSERT INTO pulled_manifests (repository, digest) VALUES ('acme/app', '\(name.digest)')")
      names.append(name)
    }
    let version = try Self.compiled(ledger, id, 1)
    _ = try ledger.publish(id, draft: version.number, at: Self.moment(5))
    _ = try Self.compiled(ledger, id, 2)
    #expect(try ledger.untaggedManifests(before: Self.moment(9), Doomed()) == [names[2]])
    #expect(try ledger.pulledManifests().map(\.name) == [names[2]])
    #expect(try ledger.deleteUntagged(names, before: Self.moment(9)) == 1)
    _ = try ledger.delete(id)
    #expect(Set(try ledger.untaggedManifests(before: Self.moment(9), Doomed())) == Set(names.prefix(2)))
  }

  @Test("a configuration counts its changes, and a change that is refused leaves it")
  func configurations() throws {
    let ledger = try Scratch().open().ledger
    let id = try Self.id()
    _ = try ledger.insert(Self.record(id))
    let changed = try ledger.configure(id, at: Self.moment(2)) { $0.environment = ["A": "b"] }
    #expect(changed.configurationNumber == 2 && changed.updatedAt == Self.moment(2))
    let same = try ledger.configure(id, at: Self.moment(3)) { $0.environment = ["A": "b"] }
    #expect(same.configurationNumber == 2 && same.updatedAt == Self.moment(2))
    let reason = Failure.reason {
      _ = try ledger.configure(id, at: Self.moment(4)) {
        $0.environment = [:]
        throw Failure(.invalidArgument, reason: "no", "no")
      }
    }
    #expect(reason == "no")
    #expect(try ledger.app(id)?.configuration.environment == ["A": "b"])
  }

  @Test("executions end once, are interrupted by a start, and the oldest ended ones are forgotten")
  func executions() throws {
    let ledger = try Scratch().open().ledger
    let id = try Self.id()
    _ = try ledger.insert(Self.record(id))
    var all: [ExecutionRecord] = []
    for number in 0..<5 {
      var record = ExecutionRecord(
        id: ExecutionID.make(at: Self.moment(Int64(number))), app: id, caller: try organization("caller"),
        createdAt: Self.moment(Int64(number)))
      try ledger.insert(record, keeping: 3)
      all.append(record)
      guard number != 1 else { continue }
      record.status = .succeeded
      record.output = [1, 2]
      record.completedAt = Self.moment(9)
      #expect(try ledger.finish(record))
      record.status = .failed
      #expect(try !ledger.finish(record))
    }
    let owner = try organization()
    let left = try all.map { try ledger.execution($0.id, of: owner) }
    // The second runs still, and is kept for that.
    #expect(left.map { $0 != nil } == [false, true, true, true, true])
    #expect(left[2]?.status == .succeeded && left[2]?.output == [1, 2])
    #expect(try ledger.execution(all[2].id, of: organization("caller")) != nil)
    #expect(try ledger.execution(all[2].id, of: organization("else")) == nil)
    #expect(try ledger.interruptExecutions("gone", at: Self.moment(9)) == 1)
    #expect(try ledger.execution(all[1].id, of: owner)?.error == "gone")
  }

  @Test(
    "names that could be no repository and no host label are no names",
    arguments: ["", "A", "a_b", "-a", "a-", ".a", "a..b", "a.-b", "a-.b", "ä", String(repeating: "a", count: 64)])
  func names(_ name: String) {
    #expect(Failure.reason { _ = try AppName(name) } == "app-name-invalid")
  }

  @Test("every name is a component of a repository", arguments: ["a", "0", "a-b", "a--b", "a.b", "a.b-c.d"])
  func components(_ name: String) throws { #expect(Repository.isComponent(try AppName(name).name)) }
}

extension Ledger {
  /// Rows that nothing but a push makes.
  fileprivate func raw(_ statement: String) throws {
    try write("writing a row") { db in try db.execute(sql: statement) }
  }
}
