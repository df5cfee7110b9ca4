import Diagnostics
import Foundation
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import Git

@Suite struct GitStoreTests {
  private let key = StoreKey(scope: "acme", identity: "https://git.example.org/one.git")

  private func id(_ number: Int) throws -> ObjectID {
    let digits = String(number, radix: 16)
    return try #require(ObjectID(hex: String(repeating: "0", count: 40 - digits.count) + digits))
  }

  private func open(_ folder: TemporaryFolder, budget: ByteCount = .mebibytes(64), boot: String = "boot")
    throws(Failure) -> GitStore
  {
    try GitStore(folder: FilePath(folder.path("store")), budget: budget, boot: boot)
  }

  /// A piece with one blob of so many bytes, recorded as the whole of the commit with this number.
  @discardableResult
  private func add(
    _ number: Int, to store: GitStore, bytes: Int = 1000, directory: String = "", needs: [Int] = []
  ) throws -> GitHolding {
    let piece = try store.begin(key, format: .sha1, limits: GitLimits())
    let content = Array("\(number) ".utf8) + [UInt8](repeating: 7, count: bytes)
    try piece.sink.beginObject(.blob, size: Int64(content.count))
    let failure: Failure? = content.withUnsafeBytes { buffer in
      do throws(Failure) { try piece.sink.write(buffer) } catch { return error }
      return nil
    }
    if let failure { throw failure }
    try piece.sink.endObject()
    let record = PieceRecord(commits: [.init(id: try id(number), directory: directory)], needs: needs)
    return try store.add(key, piece, record)
  }

  private func isThere(_ number: Int, _ store: GitStore, directory: String = "") throws -> Bool {
    try store.find(key, commit: try id(number), directory: directory) != nil
  }

  @Test("a record is read back as written, and a cut one not at all") func record() throws {
    let record = PieceRecord(
      commits: [.init(id: try id(1), directory: ""), .init(id: try id(2), directory: "a b/c")], needs: [3, 12])
    #expect(PieceRecord(text: record.text) == record)
    for length in 0..<record.text.count { #expect(PieceRecord(text: String(record.text.prefix(length))) == nil) }
  }

  @Test("what is kept is there after a restart, a clean one or none") func restart() async throws {
    try await withTemporaryFolder { folder in
      for isClean in [true, false] {
        let store = try open(folder)
        try add(isClean ? 1 : 2, to: store)
        if isClean { try store.close() }
      }
      let store = try open(folder)
      #expect(try isThere(1, store))
      #expect(try isThere(2, store))
      #expect(try !isThere(3, store))
    }
  }

  @Test("what an interrupted fetch left is swept, and what is damaged is not used") func sweep() async throws {
    try await withTemporaryFolder { folder in
      let store = try open(folder)
      try add(1, to: store)
      try add(2, to: store)
      let remote = folder.path("store/\(key.name)")
      let pieces = try FileManager.default.contentsOfDirectory(atPath: remote).sorted()
      #expect(pieces.count == 2)
      try FileManager.default.copyItem(atPath: "\(remote)/\(pieces[0])", toPath: "\(remote)/.new-9")
      try Data("kindling git piece 1\n".utf8).write(to: URL(fileURLWithPath: "\(remote)/\(pieces[0])/record"))
      try Data("short".utf8).write(to: URL(fileURLWithPath: "\(remote)/\(pieces[1])/objects"))
      let again = try open(folder)
      #expect(try FileManager.default.contentsOfDirectory(atPath: remote) == [pieces[1]])
      #expect(try !isThere(1, again))
      #expect(try !isThere(2, again))
      #expect(try FileManager.default.contentsOfDirectory(atPath: remote).isEmpty)
    }
  }

  @Test("before the disk is full what nobody uses goes, and then a fetch ends while others can still write")
  func fullDisk() async throws {
    try await withTemporaryFolder { folder in
      let free = Mutex(Int64(1) << 40)
      let store = try GitStore(folder: FilePath(folder.path("store")), budget: .mebibytes(64), boot: "boot") {
        (_) throws(Failure) in ByteCount(free.withLock { $0 })
      }
      try add(1, to: store)
      let held = try add(2, to: store)
      let piece = try store.begin(key, format: .sha1, limits: GitLimits())
      try piece.sink.beginObject(.blob, size: 0)
      try piece.sink.endObject()
      free.withLock { $0 = (200 << 20) }
      // What was looked at already lasts for a while.
      try piece.sink.beginObject(.blob, size: 0)
      try piece.sink.endObject()
      let large = #expect(throws: Failure.self) { try piece.sink.beginObject(.blob, size: 190 << 20) }
      #expect(large?.reason == "disk-full")
      #expect(try !isThere(1, store))
      #expect(try isThere(2, store))
      withExtendedLifetime(held) {}
      free.withLock { $0 = 1 << 20 }
      let none = #expect(throws: Failure.self) { try store.begin(key, format: .sha1, limits: GitLimits()) }
      #expect(none?.reason == "disk-full")
    }
  }

  @Test("what is being written counts for what is kept") func growing() async throws {
    try await withTemporaryFolder { folder in
      let store = try open(folder, budget: .mebibytes(2))
      try add(1, to: store, bytes: 1 << 20)
      #expect(try isThere(1, store))
      do {
        let piece = try store.begin(key, format: .sha1, limits: GitLimits())
        try piece.sink.beginObject(.blob, size: 70 << 20)
        #expect(try !isThere(1, store))
      }
      // It was given up, and weighs nothing any more.
      try add(2, to: store, bytes: 1 << 20)
      #expect(try isThere(2, store))
    }
  }

  @Test("after the machine stopped without a clean end the store begins empty") func boots() async throws {
    try await withTemporaryFolder { folder in
      let first = try open(folder, boot: "first")
      try add(1, to: first)
      let second = try open(folder, boot: "second")
      #expect(try !isThere(1, second))
      try add(2, to: second)
      try second.close()
      #expect(try isThere(2, try open(folder, boot: "third")))
    }
  }

  @Test("the least recently used goes first, and never what is leased") func budget() async throws {
    try await withTemporaryFolder { folder in
      let store = try open(folder, budget: .kibibytes(300))
      let held = try add(1, to: store, bytes: 100 << 10)
      try add(2, to: store, bytes: 90 << 10).lease.release()
      try add(3, to: store, bytes: 90 << 10).lease.release()
      #expect(try isThere(2, store))
      try add(4, to: store, bytes: 90 << 10).lease.release()
      #expect(try isThere(1, store))
      #expect(try isThere(2, store))
      #expect(try !isThere(3, store))
      #expect(try isThere(4, store))
      #expect(store.size < .kibibytes(300))
      held.lease.release()
      try add(5, to: store, bytes: 290 << 10).lease.release()
      #expect(try !isThere(1, store))
      #expect(try isThere(5, store))
    }
  }

  @Test("a piece goes with what it was built on, and keeps it while it is leased") func chains() async throws {
    try await withTemporaryFolder { folder in
      let store = try open(folder, budget: .kibibytes(250))
      let base = try add(1, to: store, bytes: 100 << 10)
      let child = try add(2, to: store, needs: base.numbers)
      base.lease.release()
      try add(3, to: store, bytes: 140 << 10).lease.release()
      try add(4, to: store, bytes: 140 << 10).lease.release()
      #expect(try isThere(1, store))
      #expect(try isThere(2, store))
      child.lease.release()
      #expect(store.size <= .kibibytes(250))
      try add(5, to: store, bytes: 240 << 10).lease.release()
      #expect(try !isThere(1, store))
      #expect(try !isThere(2, store))
    }
  }

  @Test("a commit in one directory covers what is in it and nothing else") func directories() async throws {
    try await withTemporaryFolder { folder in
      let store = try open(folder)
      try add(1, to: store, directory: "a/b")
      #expect(try isThere(1, store, directory: "a/b"))
      #expect(try isThere(1, store, directory: "a/b/c"))
      for other in ["", "a", "a/bc", "b"] { #expect(try !isThere(1, store, directory: other)) }
      #expect(try store.newest(key, format: .sha1) == nil)
    }
  }

  @Test("the newest whole commit is what a fetch builds on, until the chain is long") func newest() async throws {
    try await withTemporaryFolder { folder in
      let store = try open(folder)
      var holding = try add(1, to: store)
      for number in 2...17 { holding = try add(number, to: store, needs: holding.numbers) }
      // 17 stands on 16 pieces, and so is not built on itself.
      #expect(try store.newest(key, format: .sha1)?.commits == [try id(16)])
      #expect(try store.newest(key, format: .sha256) == nil)
    }
  }

  @Test("turns are given one after the other, and not to who was cancelled") func turns() async throws {
    let turns = FetchTurns()
    let key = key
    try await turns.take(key)
    let waiting = Task { try await turns.take(key) }
    let second = Task {
      try await turns.take(key)
      turns.give(key)
    }
    waiting.cancel()
    let error = await #expect(throws: Failure.self) { try await waiting.value }
    #expect(error?.code == .cancelled)
    // Another remote is not waited for.
    let other = StoreKey(scope: "acme", identity: "other")
    try await turns.take(other)
    turns.give(other)
    turns.give(key)
    try await second.value
  }
}
