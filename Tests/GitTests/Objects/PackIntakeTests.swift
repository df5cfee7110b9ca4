import Diagnostics
import Foundation
import OCI
import SystemPackage
import TestSupport
import Testing

@testable import Git

@Suite("packs that git makes")
struct PackIntakeTests {
  /// A repository with files of all sorts and some history, so that deltas are worth it.
  private func repository(_ folder: TemporaryFolder, format: String = "sha1") async throws -> GitFixture {
    let git = try GitFixture(folder)
    try await git.run("init", "-q", "-b", "main", "--object-format=\(format)")
    for version in 1...4 {
      for file in 1...12 {
        let lines = (1...400).map { "line \($0) of file \(file)\($0 % 97 == version ? " changed in \(version)" : "")" }
        try folder.write(lines.joined(separator: "\n"), to: "folder\(file % 3)/file\(file).txt")
      }
      try folder.write("", to: "empty")
      try folder.write(String(repeating: "0", count: 3_000_000) + "\(version)", to: "big")
      try await git.run("add", "-A")
      try await git.run("commit", "-qm", "version \(version)")
      try await git.run("tag", "-am", "a tag", "v\(version)")
    }
    return git
  }

  @Test(
    "become object files with git's names, kinds and sizes",
    arguments: [
      ("sha1", ["--delta-base-offset"], 65_536), ("sha1", [], 65_536),
      ("sha1", ["--no-reuse-delta", "--depth=4000"], 4096),
      ("sha1", ["--window=0"], 65_536), ("sha1", ["--delta-base-offset"], 1), ("sha1", [], 7),
      ("sha256", ["--delta-base-offset"], 65_536), ("sha256", [], 1000),
    ])
  func taken(_ format: String, _ options: [String], _ piece: Int) async throws {
    try await withTemporaryFolder { folder in
      let git = try await repository(folder, format: format)
      let pack = try await git.pack("", options)
      let objects = FilePath(folder.path("objects"))
      let file = try Intake.take(pack, format: format == "sha1" ? .sha1 : .sha256, piece: piece, to: objects)
      #expect(try await Intake.list(file) == git.objects())
      #expect(file.size.bytes == (0..<file.count).reduce(0) { $0 + (file.object(at: $1)?.object.size ?? 0) })
      let name = try await git.run("rev-parse", "HEAD:folder1/file4.txt").trimmingCharacters(
        in: .whitespacesAndNewlines)
      let id = try #require(ObjectID(hex: name))
      let blob = try #require(try file.find(id))
      let content = try blob.contents(limit: .mebibytes(1))
      #expect(try await String(decoding: content, as: UTF8.self) == git.run("cat-file", "blob", name))
      #expect(blob.digest == Digest(sha256Of: content))
    }
  }

  @Test("may be thin when the bases are at hand, and not otherwise")
  func thin() async throws {
    try await withTemporaryFolder { folder in
      let git = try await repository(folder)
      let old = try Intake.take(try await git.pack("v1"), to: FilePath(folder.path("old")))
      let thin = try await git.pack("v4\n^v1", ["--thin"])
      let file = try Intake.take(thin, piece: 100, bases: old, to: FilePath(folder.path("new")))
      let all = Set(Intake.list(old)).union(Intake.list(file))
      #expect(try await git.run("rev-list", "--objects", "v4").split(separator: "\n").count <= all.count)
      #expect(try await all.isSubset(of: Set(git.objects())))
      let failure = try #require(try Intake.refusal(of: thin))
      #expect(failure.reason == "git-pack-corrupt")
      #expect(failure.message.contains("neither in the pack nor at hand"))
    }
  }

  @Test("may be empty")
  func empty() throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let file = try Intake.take(try HandmadePack(objects: 0).sealed(), to: FilePath(folder.path("objects")))
    #expect(file.count == 0)
  }

  @Test("may hold ten thousand objects")
  func many() async throws {
    try await withTemporaryFolder { folder in
      let git = try GitFixture(folder)
      try await git.run("init", "-q", "-b", "main")
      var stream = ""
      for mark in 1...10_000 {
        let text = "content of \(mark)\n"
        stream += "blob\nmark :\(mark)\ndata \(text.utf8.count)\n\(text)"
      }
      stream += "commit refs/heads/main\ncommitter A <a@example.org> 1700000000 +0000\ndata 1\nx\n"
      for mark in 1...10_000 { stream += "M 100644 :\(mark) folder\(mark % 50)/file\(mark)\n" }
      try await git.run("fast-import", "--quiet", input: Data(stream.utf8))
      let pack = try await git.pack("", ["--delta-base-offset"])
      let file = try Intake.take(pack, to: FilePath(folder.path("objects")))
      #expect(file.count == 10_052)
      #expect(try await Intake.list(file) == git.objects())
      #expect(try file.find(try #require(ObjectID(hex: String(repeating: "0", count: 40)))) == nil)
    }
  }

  @Test("may name the bases of deltas before they come, in any order")
  func waiting() throws {
    let contents = (0..<300).map { Array("version \($0) of a text that goes on and on".utf8) }
    let names = try contents.map { try Self.name($0) }
    var pack = HandmadePack(objects: 300)
    // The newest first, each a delta of the one that comes after it.
    for version in (1..<300).reversed() {
      let tail = UInt32(contents[version - 1].count - 20)
      let delta = HandmadePack.instructions(
        base: UInt64(contents[version - 1].count), result: UInt64(contents[version].count),
        HandmadePack.insert(String(decoding: contents[version].dropLast(Int(tail)), as: UTF8.self))
          + HandmadePack.copy(20, tail))
      pack.delta(base: names[version - 1], delta)
    }
    pack.object(.blob, contents[0])
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let file = try Intake.take(try pack.sealed(), to: FilePath(folder.path("objects")))
    for (name, content) in zip(names, contents) {
      #expect(try file.find(name)?.contents(limit: .mebibytes(1)) == content)
    }
  }

  @Test("may hold an object twice")
  func twice() throws {
    var pack = HandmadePack(objects: 4)
    for text in ["same", "other", "same", "last"] { pack.object(.blob, Array(text.utf8)) }
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let file = try Intake.take(try pack.sealed(), to: FilePath(folder.path("objects")))
    #expect(file.count == 3)
    #expect(file.size.bytes == 13)
    #expect(try file.find(try Self.name(Array("last".utf8)))?.contents(limit: .mebibytes(1)) == Array("last".utf8))
  }

  @Test("end exactly where their streams end, wherever they are cut", arguments: [1, 2, 3, 5, 19, 64])
  func exactEnds(_ piece: Int) throws {
    var pack = HandmadePack(objects: 60)
    for size in 0..<60 { pack.object(.blob, (0..<size * size).map { UInt8(truncatingIfNeeded: $0 * 7 / 3 ^ $0 << 2) }) }
    #expect(try Intake.refusal(of: try pack.sealed(), piece: piece) == nil)
  }

  @Test("fill a buffer exactly", arguments: [262_143, 262_144, 262_145, 524_288, 1_048_576])
  func exactBuffers(_ size: Int) throws {
    var pack = HandmadePack(objects: 2)
    pack.object(.blob, [UInt8](repeating: 7, count: size))
    pack.object(.blob, (0..<size).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 13) })
    #expect(try Intake.refusal(of: try pack.sealed()) == nil)
    #expect(try Intake.refusal(of: try pack.sealed(), piece: 4099) == nil)
  }

  @Test("may hold a file of any size in the same memory")
  func largeFile() throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let writer = try ObjectFileWriter(path: FilePath(folder.path("objects")), format: .sha1)
    let intake = try PackIntake(writer: writer)
    let blocks = 4096
    var pack = HandmadePack(objects: 1)
    pack.header(3, size: UInt64(blocks * 65_535))
    try Intake.feed(pack.bytes + [0x78, 0x01], piece: 65_536, to: intake)
    let block = (0..<65_535).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 11) }
    let start = try Self.residentBytes()
    var largest = 0
    for number in 1...blocks {
      // A stored block: last or not, its length and the complement of it (RFC 1951, 3.2.4).
      try Intake.feed([number == blocks ? 1 : 0, 0xFF, 0xFF, 0, 0] + block, piece: 65_536, to: intake)
      if number % 256 == 0 { largest = max(largest, try Self.residentBytes()) }
    }
    #expect(writer.size.bytes > Int64(blocks - 16) * 65_535)
    #expect(largest - start < 8 << 20)
  }

  private static func residentBytes() throws -> Int {
    let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
    return try #require(fields.count > 1 ? Int(fields[1]) : nil) * 4096
  }

  static func name(_ content: [UInt8], _ kind: ObjectKind = .blob) throws -> ObjectID {
    let hasher = try ObjectHasher(.sha1)
    hasher.begin(kind, size: Int64(content.count))
    content.withUnsafeBytes { hasher.update($0) }
    return try hasher.finish()
  }
}
