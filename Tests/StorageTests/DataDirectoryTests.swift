import Diagnostics
import GRDB
import OCI
import SystemPackage
import Testing

@testable import Storage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite struct DataDirectoryTests {
  @Test("a second opening is refused with the pid and address of the first, and possible after it closed")
  func lock() throws {
    let scratch = try Scratch()
    let first = try scratch.open()
    #expect(Failure.reason { _ = try scratch.open() } == "data-directory-in-use")
    try first.writeRunFile(Self.runFile)
    do {
      _ = try scratch.open()
      Issue.record("the second opening was not refused")
    } catch let failure as Failure {
      #expect(failure.message.contains("http://127.0.0.1:4480"))
      #expect(failure.message.contains("pid 42"))
      #expect(failure.code == .failedPrecondition)
    }
    first.close()
    first.close()
    _ = try scratch.open()
  }

  @Test("the run file counts only while the lock is held")
  func runFile() throws {
    let scratch = try Scratch()
    let root = scratch.path.appending("data")
    #expect(DataDirectory.readRunFile(at: root) == nil)
    let data = try scratch.open()
    #expect(DataDirectory.readRunFile(at: root) == nil)
    try data.writeRunFile(Self.runFile)
    #expect(DataDirectory.readRunFile(at: root) == Self.runFile)
    // Looking must not take the lock from the one who holds it.
    #expect(Failure.reason { _ = try scratch.open() } == "data-directory-in-use")
    data.close()
    #expect(DataDirectory.readRunFile(at: root) == nil)
    let again = try scratch.open()
    try again.removeRunFile()
    #expect(DataDirectory.readRunFile(at: root) == nil)
  }

  @Test("the key is made once, private, and a damaged one is named")
  func key() throws {
    let scratch = try Scratch()
    let first = try scratch.open()
    let key = first.key
    #expect(key.count == 32)
    let path = scratch.path.appending("data/key")
    #expect(try path.stat().permissions == FilePermissions(rawValue: 0o600))
    first.close()
    let second = try scratch.open()
    #expect(second.key == key)
    second.close()
    try path.replaceContents(with: [1, 2], durability: .ephemeral)
    #expect(Failure.reason { _ = try scratch.open() } == "key-damaged")
    // The failed opening gave the lock back.
    try path.removeFile()
    _ = try scratch.open()
  }

  @Test("the ledger's files are private, also in a directory that an earlier version left open")
  func privateLedger() throws {
    let scratch = try Scratch()
    let files = ["ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"].map { scratch.path.appending("data/\($0)") }
    for _ in 0..<2 {
      let data = try scratch.open()
      for file in files { #expect(try file.stat().permissions == FilePermissions(rawValue: 0o600), "\(file)") }
      data.close()
      #expect(files[0].withPlatformString { chmod($0, 0o644) } == 0)
    }
  }

  @Test("a start empties work, whatever builds left there")
  func work() throws {
    let scratch = try Scratch()
    try scratch.open().close()
    var deep = scratch.path.appending("data/work/root")
    for _ in 0..<150 { deep = deep.appending("d") }
    try deep.makeDirectory()
    let file = try deep.appending("file").open(O_WRONLY | O_CREAT, "creating")
    try file.close()
    let odd = scratch.path.appending("data/work").withPlatformString { FilePath(platformString: $0) }
    let name: [CChar] = [0x62, -1, -2, 0]
    name.withUnsafeBufferPointer { pointer in
      guard let base = pointer.baseAddress else { return }
      let path = odd.appending(FilePath(platformString: base).components)
      _ = path.withPlatformString { mkdir($0, 0) }
    }
    _ = scratch.path.appending("data/work/link").withPlatformString { symlink("/tmp", $0) }
    #expect(try scratch.open().path(.work).entries() == ["uploads"])
    #expect(FilePath("/tmp").isDirectory)
  }

  @Test("a directory that cannot be made is a letter, not a crash")
  func notWritable() throws {
    let failure = #expect(throws: Failure.self) {
      try DataDirectory.open(at: "/proc/kindling", durability: .ephemeral)
    }
    #expect(failure?.message.contains("/proc/kindling") == true)
    let file = try Scratch()
    try file.path.appending("data").replaceContents(with: [1], durability: .ephemeral)
    #expect(throws: Failure.self) { try file.open() }
  }

  @Test("a ledger of a later version is refused, and rubbish is called damaged")
  func laterLedger() throws {
    let scratch = try Scratch()
    let data = try scratch.open()
    _ = try data.ledger.write("pretending") { db in
      try db.execute(sql: "INSERT INTO grdb_migrations (identifier) VALUES ('99 from the future')")
    }
    data.close()
    #expect(Failure.reason { _ = try scratch.open() } == "ledger-newer")
    for name in ["ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"] {
      try scratch.path.appending("data").appending(name).removeFile()
    }
    try scratch.path.appending("data/ledger.sqlite").replaceContents(
      with: [UInt8](repeating: 65, count: 8192),
      durability: .ephemeral
    )
    #expect(Failure.reason { _ = try scratch.open() } == "ledger-damaged")
  }

  private static let runFile = RunFile(
    pid: 42,
    urls: .init(http: "http://127.0.0.1:4480", grpc: "127.0.0.1:50051"),
    ports: .init(http: 4480, grpc: 50051),
    version: "0.1.0",
    startedAt: Timestamp(milliseconds: 1)
  )
}
