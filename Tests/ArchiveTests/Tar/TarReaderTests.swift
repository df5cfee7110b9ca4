import Archive
import Diagnostics
import SystemPackage
import Testing

@Suite struct TarReaderTests {
  /// What a body with every kind of entry looks like to the reader, one line an entry.
  private func listing(_ tar: [UInt8], limits: TarLimits = .context, pieceSize: Int = .max) throws -> [String] {
    let reader = TarReader(over: BytesReader(tar, pieceSize: pieceSize), limits: limits)
    var lines: [String] = []
    while let entry = try reader.next() {
      let body = String(decoding: try reader.contents(limit: .mebibytes(1)), as: UTF8.self)
      if entry.kind == .file {
        let start = Int(reader.bodyOffset)
        #expect(Array(tar[start..<start + Int(entry.size)]) == Array(body.utf8), "the body's offset is right")
      }
      let kind = "\(entry.kind)".split(separator: ".").last ?? ""
      lines.append("\(entry.path) \(kind.prefix(4)) \(String(entry.mode, radix: 8)) \(entry.uid) \(body)")
    }
    return lines
  }

  @Test("GNU tar's formats read alike", arguments: ["v7", "oldgnu", "gnu", "ustar", "pax"], [512, 1000])
  func formats(_ format: String, pieceSize: Int) throws {
    try Sample.withDirectory { directory in
      let script = """
        mkdir -m 755 d && printf hello > d/f && chmod 4755 d/f && ln -s f d/link && ln d/f hard && : > empty
        tar --format=\(format) --owner=1234 --group=5 --sort=name --mtime=@1700000000 -cf - .
        """
      let tar = try Sample.run(["sh", "-c", script], in: directory)
      let lines = try listing(tar, pieceSize: pieceSize)
      #expect(lines.dropFirst().map { $0.split(separator: " ").first } == ["d", "d/f", "d/link", "empty", "hard"])
      #expect(lines[2] == "d/f file 4755 1234 hello")
      let reader = TarReader(over: BytesReader(tar), limits: .context)
      let root = try reader.next()
      #expect(root?.path.isEmpty == true && root?.kind == .directory)
      #expect(root?.mtime == FileTime(seconds: 1_700_000_000))
      var kinds: [TarEntry.Kind] = []
      while let entry = try reader.next() { kinds.append(entry.kind) }
      #expect(kinds == [.directory, .file, .symlink(target: "f"), .file, .hardLink(target: "d/f")])
    }
  }

  @Test("long names and targets come through", arguments: ["gnu", "pax"])
  func longNames(_ format: String) throws {
    let name = (0..<9).map { "\($0)" + String(repeating: "long", count: 40) }.joined(separator: "/")
    try Sample.withDirectory { directory in
      let script =
        "mkdir -p \(name) && ln -s \(name) link && printf x > \(name)/ä && tar --format=\(format) -cf - link \(name)/ä"
      let tar = try Sample.run(["sh", "-c", script], in: directory)
      let reader = TarReader(over: BytesReader(tar), limits: .context)
      #expect(try reader.next()?.kind == .symlink(target: FilePath(name)))
      #expect(try reader.next()?.path == FilePath(name + "/ä"))
      #expect(try reader.contents(limit: .init(10)) == [UInt8(ascii: "x")])
      #expect(try reader.next() == nil)
    }
  }

  @Test("PAX records carry attributes, fractions of seconds, large owners and global defaults")
  func paxRecords() throws {
    let script = """
      import tarfile, sys, io
      t = tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.PAX_FORMAT,
                       pax_headers={"comment": "c", "gid": "77"})
      i = tarfile.TarInfo("f"); i.uid = 4000000000; i.mtime = -1.25; i.mode = 0o640
      i.pax_headers = {"SCHILY.xattr.user.a": "b=c\\n", "SCHILY.xattr.security.capability": "\\x01\\x00"}
      t.addfile(i); t.close()
      """
    let reader = TarReader(over: BytesReader(try Sample.run(["python3", "-c", script])), limits: .context)
    let entry = try #require(try reader.next())
    #expect(entry.uid == 4_000_000_000 && entry.gid == 77)
    #expect(entry.mtime == FileTime(seconds: -2, nanoseconds: 750_000_000))
    #expect(entry.xattrs == ["user.a": Array("b=c\n".utf8), "security.capability": [1, 0]])
  }

  @Test("devices and pipes have their numbers, names that are no UTF-8 keep their bytes")
  func specialFiles() throws {
    let script = """
      import tarfile, sys
      t = tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.GNU_FORMAT)
      i = tarfile.TarInfo("null"); i.type = tarfile.CHRTYPE; i.devmajor = 1; i.devminor = 3; t.addfile(i)
      i = tarfile.TarInfo("sda"); i.type = tarfile.BLKTYPE; i.devmajor = 8; i.devminor = 300; t.addfile(i)
      i = tarfile.TarInfo("\\udcff\\udcfe"); i.type = tarfile.FIFOTYPE; t.addfile(i)
      t.close()
      """
    let reader = TarReader(over: BytesReader(try Sample.run(["python3", "-c", script])), limits: .context)
    #expect(try reader.next()?.kind == .characterDevice(major: 1, minor: 3))
    #expect(try reader.next()?.kind == .blockDevice(major: 8, minor: 300))
    let pipe = try #require(try reader.next())
    #expect(pipe.kind == .fifo)
    #expect(
      pipe.path.withPlatformString { [UInt8(bitPattern: $0[0]), UInt8(bitPattern: $0[1]), UInt8($0[2])] } == [
        0xFF, 0xFE, 0,
      ]
    )
  }

  @Test("base-256 numbers are read, negative and too large ones refused")
  func binaryNumbers() throws {
    var tar = RawTar("f", size: 0)
    tar.set(108, [0x80, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFE])
    let reader = TarReader(over: BytesReader(tar.archive), limits: .context)
    #expect(try reader.next()?.uid == 0xFFFF_FFFE)
    for size: [UInt8] in [[UInt8](repeating: 0xFF, count: 12), [0x80] + [UInt8](repeating: 0xFF, count: 11)] {
      var tar = RawTar("f", size: 0)
      tar.set(124, size)
      #expect(Sample.reason { _ = try listing(tar.archive) } == "archive-corrupt")
    }
  }

  @Test("the size of a PAX record wins over the header's, in stepping on too")
  func paxSizeWins() throws {
    // The smuggling of CVE-2025-62518: by the header's own size the body would be a header of its own.
    let inner = RawTar("smuggled", size: 0).archive
    var tar = RawTar.extended(["size=\(inner.count)"])
    tar += RawTar("outer", size: 0, body: inner).entry + RawTar("last", size: 0).archive
    let reader = TarReader(over: BytesReader(tar), limits: .context)
    var names: [FilePath] = []
    while let entry = try reader.next() { names.append(entry.path) }
    #expect(names == ["outer", "last"])
  }

  static let hostile: [(String, [UInt8], String)] = [
    ("climbing", RawTar("../x", size: 0).archive, "archive-path-escapes"),
    ("climbing inside", RawTar("a/../../x", size: 0).archive, "archive-path-escapes"),
    ("absolute", RawTar("/etc/passwd", size: 0).archive, "archive-path-escapes"),
    ("hard link out", RawTar("x", kind: "1", link: "../../etc/passwd").archive, "archive-path-escapes"),
    ("PAX path out", RawTar.extended(["path=../x"]) + RawTar("a", size: 0).archive, "archive-path-escapes"),
    ("no name", RawTar("", size: 0).archive, "archive-corrupt"),
    ("link without target", RawTar("x", kind: "2").archive, "archive-corrupt"),
    ("lone empty block", [UInt8](repeating: 0, count: 512) + RawTar("x", size: 0).archive, "archive-corrupt"),
    ("PAX length", RawTar.extended(raw: "99 path=x\n") + RawTar("a", size: 0).archive, "archive-corrupt"),
    ("PAX newline", RawTar.extended(raw: "10 path=xx") + RawTar("a", size: 0).archive, "archive-corrupt"),
    ("PAX negative", RawTar.extended(raw: "-9 path=x\n") + RawTar("a", size: 0).archive, "archive-corrupt"),
    ("PAX NUL in path", RawTar.extended(["path=a\0b"]) + RawTar("a", size: 0).archive, "archive-corrupt"),
    ("PAX size", RawTar.extended(["size=-1"]) + RawTar("a", size: 0).archive, "archive-corrupt"),
    ("global path", RawTar.extended(["path=x"], kind: "g") + RawTar("a", size: 0).archive, "archive-corrupt"),
    ("sparse", RawTar.extended(["GNU.sparse.major=1"]) + RawTar("a", size: 0).archive, "archive-unsupported"),
    ("old sparse", RawTar("a", kind: "S").archive, "archive-unsupported"),
    ("unknown kind", RawTar("a", kind: "D").archive, "archive-unsupported"),
    ("many headers", RawTar.extended(["comment=" + String(repeating: "x", count: 2 << 20)]), "archive-too-large"),
    (
      "long path", RawTar.extended(["path=" + String(repeating: "x", count: 5000)]) + RawTar("a", size: 0).archive,
      "archive-too-large"
    ),
    ("huge", RawTar("a", size: 0o7777_7777_7777).archive, "archive-too-large"),
    ("cut in a body", RawTar("a", size: 600, body: [1, 2]).entry, "archive-truncated"),
    ("cut in a header", Array(RawTar("a", size: 0).entry.dropLast(12)), "archive-truncated"),
    ("cut behind an extended header", RawTar.extended(["path=x"]), "archive-truncated"),
    ("text", Array(String(repeating: "no tar at all\n", count: 50).utf8), "archive-corrupt"),
  ]

  @Test("hostile and damaged archives are refused", arguments: hostile.indices)
  func refused(_ index: Int) {
    let (name, tar, reason) = Self.hostile[index]
    #expect(Sample.reason { _ = try listing(tar) } == reason, "\(name)")
  }

  @Test("an archive may end at an entry without an end mark")
  func missingEnd() throws {
    let entry = RawTar("a", size: 3, body: Array("abc".utf8)).entry
    #expect(try listing(entry) == ["a file 644 0 abc"])
    #expect(try listing(entry + [UInt8](repeating: 0, count: 512)) == ["a file 644 0 abc"])
    #expect(try listing([]).isEmpty)
  }

  @Test("layers may have absolute names and dots, which stay inside")
  func layerNames() throws {
    let tar = RawTar("/etc//./a/../passwd", size: 0).entry + RawTar("./b", size: 0).archive
    #expect(try listing(tar, limits: .layer) == ["etc/passwd file 644 0 ", "b file 644 0 "])
  }

  @Test("entries and bytes are limited")
  func limits() throws {
    let tar = RawTar("a", size: 3, body: [65, 65, 65]).entry + RawTar("b", size: 2, body: [65, 65]).archive
    #expect(try listing(tar, limits: TarLimits(entries: 2, totalSize: .init(5))).count == 2)
    #expect(Sample.reason { _ = try listing(tar, limits: TarLimits(entries: 1)) } == "archive-too-large")
    #expect(Sample.reason { _ = try listing(tar, limits: TarLimits(totalSize: .init(4))) } == "archive-too-large")
  }

  @Test("the source is read to its end, so that checksums behind the archive are seen")
  func drains() throws {
    let source = HashingReader(over: BytesReader(RawTar("a", size: 0).archive + [UInt8](repeating: 0, count: 300_000)))
    let reader = TarReader(over: source, limits: .context)
    while try reader.next() != nil {}
    #expect(source.count == 512 * 3 + 300_000)
  }
}
