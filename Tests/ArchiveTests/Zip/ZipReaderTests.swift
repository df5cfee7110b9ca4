import Archive
import Diagnostics
import SystemPackage
import Testing

@Suite struct ZipReaderTests {
  /// Lists a zip with its bodies, one line a member.
  private func listing(_ zip: [UInt8], limits: TarLimits = .context) throws -> [String] {
    try Sample.withDirectory { directory in
      let path = directory.appending("a.zip")
      try Sample.write(zip, to: path)
      let reader = try ZipReader(path, limits: limits)
      return try reader.entries.map { entry in
        let body = try reader.open(entry).contents(limit: .mebibytes(8))
        let kind = Self.word(entry.file.kind)
        return
          "\(entry.file.path) \(kind) \(String(entry.file.mode, radix: 8)) \(String(decoding: body.prefix(20), as: UTF8.self))"
      }
    }
  }

  private static func word(_ kind: TarEntry.Kind) -> String {
    switch kind {
    case .file: "file"
    case .directory: "directory"
    case .symlink: "link"
    default: "other"
    }
  }

  /// A zip made by Python's zipfile, the archive being `z` and its buffer `b`.
  private func python(_ script: String) throws -> [UInt8] {
    let prologue = """
      import io, sys, struct, zipfile, stat
      b = io.BytesIO(); z = zipfile.ZipFile(b, "w", zipfile.ZIP_DEFLATED)
      def add(name, body=b"", mode=0o100644, method=None):
          i = zipfile.ZipInfo(name, (2023, 11, 14, 22, 13, 20)); i.external_attr = mode << 16
          z.writestr(i, body, compress_type=method if method is not None else zipfile.ZIP_DEFLATED)

      """
    return try Sample.run(["python3", "-c", prologue + script + "\nsys.stdout.buffer.write(b.getvalue())"])
  }

  @Test("what zip(1) makes is read: modes, links, times and names beyond ASCII")
  func infoZip() throws {
    try Sample.withDirectory { directory in
      let script = """
        mkdir d && printf hello > d/f && chmod 755 d/f && ln -s f d/l && head -c 200000 /dev/zero > zeros
        printf x > ä && touch -d @1700000000 d/f && TZ=Asia/Tokyo zip -qry a.zip d zeros ä && cat a.zip
        """
      let zip = try Sample.run(["sh", "-ec", script], in: directory)
      let path = directory.appending("a.zip")
      try Sample.write(zip, to: path)
      let entries = try ZipReader(path).entries
      #expect(entries.map(\.file.path) == ["d", "d/f", "d/l", "zeros", "ä"])
      #expect(entries.map(\.file.mode) == [0o755, 0o755, 0o777, 0o644, 0o644])
      #expect(entries[1].file.mtime == FileTime(seconds: 1_700_000_000))
      #expect(entries[2].file.kind == .symlink(target: "f"))
      #expect(try listing(zip)[1] == "d/f file 755 hello")
      #expect(try ZipReader(path).open(entries[3]).drain() == 200_000)
    }
  }

  @Test("what Python makes is read: stored, streamed with sizes behind the data, zip64")
  func python() throws {
    let zip = try python(
      """
      add("s", b"stored", method=0); add("dir/", mode=0o040700); add("l", b"../x", mode=0o120777)
      with z.open("w", "w", force_zip64=True) as f: f.write(b"wide")
      z.close()
      """
    )
    #expect(
      try listing(zip) == ["s file 644 stored", "dir directory 700 ", "l link 777 ../x", "w file 600 wide"]
    )
    let streamed = try Sample.run([
      "python3", "-c",
      """
      import sys, zipfile
      class Pipe:
          def write(self, d): return sys.stdout.buffer.write(d)
          def flush(self): pass
      z = zipfile.ZipFile(Pipe(), "w", zipfile.ZIP_DEFLATED); z.writestr("a", b"A" * 9); z.writestr("b", b"B"); z.close()
      """,
    ])
    #expect(try listing(streamed) == ["a file 600 AAAAAAAAA", "b file 600 B"])
  }

  @Test("more than 65,535 members need zip64 end records, which are read")
  func zip64() throws {
    let zip = try python("for i in range(65600): z.writestr(zipfile.ZipInfo(str(i)), b'')\nz.close()")
    try Sample.withDirectory { directory in
      let path = directory.appending("a.zip")
      try Sample.write(zip, to: path)
      #expect(try ZipReader(path).entries.count == 65_600)
    }
  }

  @Test("times are DOS's in UTC, where there are no others")
  func dosTime() throws {
    try Sample.withDirectory { directory in
      let path = directory.appending("a.zip")
      try Sample.write(try python("add('f')\nz.close()"), to: path)
      #expect(try ZipReader(path).entries[0].file.mtime == FileTime(seconds: 1_700_000_000))
    }
  }

  @Test("an empty zip has no members")
  func empty() throws {
    #expect(try listing(try python("z.close()")).isEmpty)
  }

  static let hostile: [(String, String, String)] = [
    ("climbing", "add('../x'); z.close()", "archive-path-escapes"),
    ("absolute", "add('/etc/passwd'); z.close()", "archive-path-escapes"),
    (
      "backslashes", "add('x'); z.filelist[0].filename = '..\\\\x'; z.filelist[0].create_system = 0; z.close()",
      "archive-path-escapes"
    ),
    ("twice", "add('x'); add('./x'); z.close()", "archive-corrupt"),
    ("device", "add('x', mode=0o020644); z.close()", "archive-unsupported"),
    ("another method", "add('x', b'a' * 99, method=14); z.close()", "archive-unsupported"),
    (
      "wrong checksum", "add('x', b'a', method=0); z.filelist[0].CRC ^= 1; z.filelist[0].flag_bits = 8; z.close()",
      "archive-corrupt"
    ),
    (
      "body changed",
      "add('x', b'abc', method=0); z.close(); p = b.getvalue().index(b'abc'); b.seek(p); b.write(b'abd')",
      "archive-corrupt"
    ),
    ("encrypted", "add('x', b'abc'); z.filelist[0].flag_bits |= 1; z.close()", "archive-unsupported"),
    ("another name in the header", "add('x', b'abc'); z.close(); b.seek(30); b.write(b'y')", "archive-corrupt"),
    (
      "overlapping",
      "add('x', b'abc'); add('y', b'abc'); z.filelist[1].header_offset = 0; z.filelist[1].filename = 'x'; z.close()",
      "archive-corrupt"
    ),
    (
      "smaller than it says",
      "add('x', b'a' * 50); z.filelist[0].file_size = 60; z.filelist[0].flag_bits = 8; z.close()", "archive-corrupt"
    ),
    (
      "larger than it says",
      "add('x', b'a' * 50); z.filelist[0].file_size = 40; z.filelist[0].flag_bits = 8; z.close()", "archive-corrupt"
    ),
    ("directory with a body", "add('x/', b'abc'); z.close()", "archive-corrupt"),
    ("bytes in front", "add('x'); z.close(); b = io.BytesIO(b'#!' + b.getvalue())", "archive-corrupt"),
    ("bytes behind", "add('x'); z.close(); b.seek(0, 2); b.write(b'x')", "archive-truncated"),
    ("two end records", "z.comment = b'PK\\5\\6' + b'\\0' * 18; add('x'); z.close()", "archive-corrupt"),
    (
      "fewer members than said",
      "add('x'); z.close(); v = b.getvalue(); b = io.BytesIO(v[:-12] + b'\\2\\0' + v[-10:]); b.getbuffer()[-14:-12] = b'\\2\\0'",
      "archive-corrupt"
    ),
    ("half", "add('x', b'abc'); z.close(); b.truncate(40)", "archive-truncated"),
  ]

  @Test("hostile and damaged archives are refused", arguments: hostile.indices)
  func refused(_ index: Int) throws {
    let (name, script, reason) = Self.hostile[index]
    let zip = try python("import warnings; warnings.simplefilter('ignore')\n" + script)
    #expect(Sample.reason { _ = try listing(zip) } == reason, "\(name)")
  }

  @Test("members and bytes are limited")
  func limits() throws {
    let zip = try python("add('x', b'a' * 9); add('y', b'b' * 9); z.close()")
    #expect(try listing(zip, limits: TarLimits(entries: 2, totalSize: .init(18))).count == 2)
    #expect(Sample.reason { _ = try listing(zip, limits: TarLimits(entries: 1)) } == "archive-too-large")
    #expect(Sample.reason { _ = try listing(zip, limits: TarLimits(totalSize: .init(17))) } == "archive-too-large")
  }

  @Test("names of DOS are read by its code page")
  func codePage() throws {
    let zip = try python(
      "add('x'); z.close(); v = b.getvalue().replace(b'x', b'\\x84'); b = io.BytesIO(v); i = v.index(b'PK\\1\\2'); b.getbuffer()[i+5] = 0; b.getbuffer()[i+38:i+42] = bytes(4)"
    )
    #expect(try listing(zip).map { $0.split(separator: " ").first } == ["ä"])
  }
}
