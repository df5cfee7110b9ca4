import Archive
import Diagnostics
import Foundation
import OCI
import SystemPackage
import Testing

@Suite struct ArchiveNormalizerTests {
  /// Calls `body` with the index of an archive made by a shell script that writes `archive`.
  private func withIndex(_ script: String, _ body: (ArchiveIndex, FilePath) throws -> Void) throws {
    try Sample.withDirectory { directory in
      try Sample.run(["sh", "-ec", script], in: directory)
      let index = try ArchiveNormalizer.tar(
        from: directory.appending("archive"),
        into: directory.appending("normal")
      )
      try body(index, directory)
    }
  }

  private func normalize(_ archive: [UInt8], limits: TarLimits = .context) throws -> ArchiveIndex {
    try Sample.withDirectory { directory in
      try Sample.write(archive, to: directory.appending("archive"))
      let target = directory.appending("normal")
      do {
        return try ArchiveNormalizer.tar(from: directory.appending("archive"), into: target, limits: limits)
      } catch {
        #expect(!FileManager.default.fileExists(atPath: target.string), "nothing is left behind")
        throw error
      }
    }
  }

  static let tree = "mkdir -p src/a && printf one > src/a/1 && printf three > src/3 && ln -s 3 src/l && : > src/e && "
  static let packers = [
    "tar -cf archive src", "tar -czf archive src", "tar --zstd -cf archive src", "tar -cJf archive src",
    "tar -cjf archive src", "zip -qry a.zip src && mv a.zip archive",
  ]

  @Test("the same tree gives the same index, however it is packed", arguments: packers)
  func kinds(_ packer: String) throws {
    try withIndex(Self.tree + packer) { index, directory throws in
      let isPlain = packer.hasPrefix("tar -cf")
      #expect(index.files[0] == directory.appending(isPlain ? "archive" : "normal"))
      #expect(FileManager.default.fileExists(atPath: directory.appending("normal").string) != isPlain)
      #expect(index.totalBytes == ByteCount(8))
      let byPath = Dictionary(uniqueKeysWithValues: index.entries.map { ($0.entry.path, $0) })
      #expect(Set(byPath.keys) == ["src", "src/a", "src/a/1", "src/3", "src/l", "src/e"])
      #expect(byPath["src/l"]?.entry.kind == .symlink(target: "3"))
      #expect(byPath["src/a"]?.contentDigest == nil)
      #expect(byPath["src/e"]?.contentDigest == Digest(sha256Of: []))
      for (path, text) in [("src/a/1", "one"), ("src/3", "three")] {
        let entry = try #require(byPath[FilePath(path)])
        #expect(entry.contentDigest == Digest(sha256Of: Array(text.utf8)))
        #expect(try index.body(of: entry).contents(limit: .kibibytes(1)) == Array(text.utf8))
      }
      if index.files[0].lastComponent?.string == "normal" {
        #expect(try Sample.run(["tar", "-xOf", "normal", "src/3"], in: directory) == Array("three".utf8))
      }
    }
  }

  @Test("of two entries of one name the last wins, in the place of the first")
  func duplicates() throws {
    let script = """
      printf old > a && printf b > b && tar -cf archive a b && printf newer > a && tar -rf archive a
      """
    try withIndex(script) { index, _ throws in
      #expect(index.entries.map(\.entry.path) == ["a", "b"])
      #expect(try index.body(of: index.entries[0]).contents(limit: .kibibytes(1)) == Array("newer".utf8))
      #expect(index.totalBytes == ByteCount(6))
    }
  }

  @Test("a hard link has the body of what it names, and keeps it when that name gets another")
  func hardLinks() throws {
    let script = """
      printf old > a && ln a b && ln a c && tar --sort=name -cf archive a b c && rm a && printf newer > a
      """
    try withIndex(script) { index, _ throws in
      #expect(index.entries[1].entry.kind == .hardLink(target: "a"))
      #expect(try index.body(of: index.entries[2]).contents(limit: .kibibytes(1)) == Array("old".utf8))
      #expect(index.totalBytes == ByteCount(3))
    }
    try withIndex(script + " && tar -rf archive a") { index, _ throws in
      #expect(index.entries.map(\.entry.kind) == [.file, .file, .file])
      #expect(try index.body(of: index.entries[0]).contents(limit: .kibibytes(1)) == Array("newer".utf8))
      #expect(try index.body(of: index.entries[2]).contents(limit: .kibibytes(1)) == Array("old".utf8))
      #expect(index.totalBytes == ByteCount(11))
    }
  }

  @Test("parents without entries of their own are there, before what is in them")
  func impliedParents() throws {
    try withIndex("mkdir -p x/y && : > x/y/z && : > x/w && tar -cf archive x/y/z x/w x") { index, _ throws in
      #expect(index.entries.map(\.entry.path).prefix(4) == ["x", "x/y", "x/y/z", "x/w"])
      #expect(index.entries.count == 4)
      #expect(index.entries[0].entry.kind == .directory && index.entries[0].entry.mode == 0o755)
    }
  }

  static let refused: [(String, [UInt8], String)] = [
    ("empty file", [], "archive-empty"),
    ("text", Array("FROM scratch\n".utf8), "archive-unknown"),
    ("long text", Array(String(repeating: "FROM scratch\n", count: 100).utf8), "archive-unknown"),
    ("below a link", RawTar("l", kind: "2", link: "/etc").entry + RawTar("l/passwd").archive, "archive-path-escapes"),
    ("below a file", RawTar("f").entry + RawTar("f/x").archive, "archive-corrupt"),
    ("file for a directory", RawTar("d/x").entry + RawTar("d").archive, "archive-corrupt"),
    ("directory for a file", RawTar("d").entry + RawTar("d/", kind: "5").archive, "archive-corrupt"),
    ("hard link to nothing", RawTar("l", kind: "1", link: "f").archive, "archive-corrupt"),
    ("hard link to itself", RawTar("l", kind: "1", link: "l").archive, "archive-corrupt"),
    (
      "hard link to a directory", RawTar("d", kind: "5").entry + RawTar("l", kind: "1", link: "d").archive,
      "archive-corrupt"
    ),
    ("half a zip", [0x50, 0x4B, 3, 4, 0, 0, 0], "archive-truncated"),
  ]

  @Test("what is no good archive is refused", arguments: refused.indices)
  func refuses(_ index: Int) {
    let (name, archive, reason) = Self.refused[index]
    #expect(Sample.reason { _ = try normalize(archive) } == reason, "\(name)")
  }

  @Test("packed text and packed nothing are told apart from damage")
  func packed() throws {
    #expect(
      Sample.reason { _ = try normalize(try Sample.run(["gzip"], input: Sample.text(2000))) } == "archive-unknown"
    )
    #expect(Sample.reason { _ = try normalize(try Sample.run(["gzip"])) } == "archive-empty")
    let good = try Sample.run(["gzip"], input: RawTar("f", size: 600, body: Sample.text(600)).archive)
    #expect(try normalize(good).entries.count == 1)
    #expect(Sample.reason { _ = try normalize(Array(good.dropLast(9))) } == "archive-truncated")
    var damaged = good
    damaged[damaged.count - 6] ^= 1
    #expect(
      Sample.reason { _ = try normalize(damaged) } == "archive-corrupt",
      "the checksum behind the last entry counts"
    )
  }

  @Test("an archive that unpacks to too much is stopped")
  func bomb() throws {
    let zeros = [UInt8](repeating: 0, count: 4 << 20)
    let tar = RawTar("f", size: zeros.count, body: zeros).archive
    let limits = TarLimits(entries: 100, totalSize: .mebibytes(1))
    #expect(
      Sample.reason { _ = try normalize(try Sample.run(["gzip"], input: tar), limits: limits) } == "archive-too-large"
    )
    // Zeros behind the archive's end belong to no entry, and count all the same.
    let padded = try Sample.run(["gzip"], input: RawTar("f").archive + zeros)
    #expect(Sample.reason { _ = try normalize(padded, limits: limits) } == "archive-too-large")
  }

  @Test("an archive of nothing has no entries")
  func nothing() throws {
    #expect(try normalize([UInt8](repeating: 0, count: 10_240)).entries.isEmpty)
  }
}
