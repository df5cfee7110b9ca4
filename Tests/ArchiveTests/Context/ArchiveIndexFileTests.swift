import Archive
import Diagnostics
import OCI
import SystemPackage
import Testing

@Suite struct ArchiveIndexFileTests {
  private static let archive = Digest(sha256Of: "an archive".utf8)
  private static let size = ByteCount(12_345)

  private static var index: ArchiveIndex {
    let kinds: [TarEntry.Kind] = [
      .file, .directory, .symlink(target: "../elsewhere"), .hardLink(target: "a/0"),
      .characterDevice(major: 1, minor: 3), .blockDevice(major: 8, minor: 0), .fifo,
    ]
    var entries = kinds.enumerated().map { number, kind in
      var entry = TarEntry(
        path: FilePath("a/\(number)"), kind: kind, mode: 0o4755, uid: 7, gid: .max, size: kind == .file ? 5 : 0,
        mtime: FileTime(seconds: -1, nanoseconds: 999_999_999))
      entry.xattrs = number == 0 ? ["security.capability": [1, 0, 255], "user.ü": []] : [:]
      return IndexedEntry(
        entry: entry, bodyOffset: Int64(number) << 33, contentDigest: number == 0 ? Digest(sha256Of: [1]) : nil,
        isImplied: kind == .directory)
    }
    let wild: [CChar] = [0x61, -1, -2, 0x2F, 0x62, 0]
    let name = wild.withUnsafeBufferPointer { $0.baseAddress.map { FilePath(platformString: $0) } } ?? "x"
    entries.append(IndexedEntry(entry: TarEntry(path: name, kind: .file, mode: 0), bodyOffset: 0, contentDigest: nil))
    return ArchiveIndex(files: ["/there/archive"], entries: entries, totalBytes: ByteCount(5))
  }

  private func decoded(_ bytes: [UInt8], _ archive: Digest = archive, _ size: ByteCount = size) -> ArchiveIndex? {
    ArchiveIndexFile.decoded(bytes, of: archive, size: size, file: "/there/archive")
  }

  @Test("everything an index says is read back as it was")
  func roundTrip() throws {
    let bytes = try #require(ArchiveIndexFile.encoded(Self.index, of: Self.archive, size: Self.size))
    #expect(decoded(bytes) == Self.index)
    let empty = ArchiveIndex(files: ["/there/archive"], entries: [], totalBytes: ByteCount(0))
    #expect(decoded(try #require(ArchiveIndexFile.encoded(empty, of: Self.archive, size: Self.size))) == empty)
  }

  @Test("another archive's index, or one of another size, is none")
  func other() throws {
    let bytes = try #require(ArchiveIndexFile.encoded(Self.index, of: Self.archive, size: Self.size))
    #expect(decoded(bytes, Digest(sha256Of: [])) == nil)
    #expect(decoded(bytes, Self.archive, ByteCount(1)) == nil)
  }

  @Test("an index that is cut off or changed anywhere is none")
  func damage() throws {
    let bytes = try #require(ArchiveIndexFile.encoded(Self.index, of: Self.archive, size: Self.size))
    for count in 0..<bytes.count { #expect(decoded(Array(bytes[..<count])) == nil) }
    for position in bytes.indices {
      var changed = bytes
      changed[position] ^= 0x11
      #expect(decoded(changed) == nil)
    }
  }

  @Test("numbers that promise more than is there end in nothing, though the checksum fits")
  func lies() throws {
    let bytes = try #require(ArchiveIndexFile.encoded(Self.index, of: Self.archive, size: Self.size))
    for position in 25..<bytes.count - 32 {
      var changed = Array(bytes.dropLast(32))
      changed[position] = 0xFF
      changed += Digest(sha256Of: changed).rawBytes
      // Whatever it reads as, it ends.
      _ = decoded(changed)
    }
  }

  @Test("a tar is indexed where it lies, and everything else is left to be unpacked")
  func ofTar() throws {
    try Sample.withDirectory { folder in
      try Sample.run(
        ["sh", "-c", "mkdir t; echo one > t/a; ln t/a t/b; tar -cf t.tar t; gzip -k t.tar; : > no"], in: folder)
      let index = try #require(try ArchiveNormalizer.index(ofTar: folder.appending("t.tar")))
      let same = try ArchiveNormalizer.tar(from: folder.appending("t.tar"), into: folder.appending("never"))
      #expect(index == same)
      #expect(try ArchiveNormalizer.index(ofTar: folder.appending("t.tar.gz")) == nil)
      #expect(try ArchiveNormalizer.index(ofTar: folder.appending("no")) == nil)
    }
  }
}
