import Archive
import Diagnostics
import SystemPackage
import Testing

@Suite struct TarWriterTests {
  private func archive(_ entries: [(TarEntry, [UInt8])]) throws -> [UInt8] {
    let collected = BytesWriter()
    let writer = TarWriter(into: collected)
    for (entry, body) in entries { try writer.append(entry, body: BytesReader(body)) }
    try writer.finish()
    try writer.finish()
    #expect(collected.isFinished)
    #expect(writer.position + 1024 == Int64(collected.bytes.count) || writer.position == Int64(collected.bytes.count))
    return collected.bytes
  }

  private static let long = (0..<30).map { "component\($0)" }.joined(separator: "/")

  static let entries: [(TarEntry, [UInt8])] = [
    (TarEntry(path: "", kind: .directory, mode: 0o755), []),
    (TarEntry(path: "dir", kind: .directory, mode: 0o1777, mtime: .init(seconds: 1_700_000_000)), []),
    (TarEntry(path: "dir/file", kind: .file, mode: 0o4755, uid: 1000, gid: 100, size: 600), Sample.text(600)),
    (TarEntry(path: "dir/empty", kind: .file, mode: 0), []),
    (TarEntry(path: "dir/hard", kind: .hardLink(target: "dir/file"), mode: 0o644), []),
    (TarEntry(path: "link", kind: .symlink(target: "../anywhere"), mode: 0o777), []),
    (TarEntry(path: "null", kind: .characterDevice(major: 1, minor: 3), mode: 0o666), []),
    (TarEntry(path: "disk", kind: .blockDevice(major: 8, minor: 1), mode: 0o660), []),
    (TarEntry(path: "pipe", kind: .fifo, mode: 0o600), []),
    (TarEntry(path: FilePath(String(long.prefix(180))), kind: .file, mode: 0o644, size: 1), [65]),
    (TarEntry(path: FilePath(long), kind: .file, mode: 0o644, size: 512), Sample.text(512)),
    (TarEntry(path: FilePath(long), kind: .directory, mode: 0o755), []),
    (TarEntry(path: "lange", kind: .symlink(target: FilePath(long)), mode: 0o777), []),
    (TarEntry(path: "größe", kind: .file, mode: 0o644, size: 2), [1, 2]),
    (TarEntry(path: "rich", kind: .file, mode: 0o644, uid: 4_000_000_000, gid: 3_000_000), []),
    (TarEntry(path: "old", kind: .file, mode: 0o644, mtime: .init(seconds: -5)), []),
    (
      TarEntry(
        path: "able",
        kind: .file,
        mode: 0o755,
        xattrs: ["security.capability": [1, 0, 0, 2, 10, 61], "user.note": Array("a=b".utf8)]
      ), []
    ),
  ]

  @Test("what is written reads back the same")
  func roundTrip() throws {
    let reader = TarReader(over: BytesReader(try archive(Self.entries)), limits: .layer)
    for (entry, body) in Self.entries {
      #expect(try reader.next() == entry)
      #expect(try reader.contents(limit: .mebibytes(1)) == body)
    }
    #expect(try reader.next() == nil)
  }

  @Test("Python reads the same entries")
  func python() throws {
    let script = """
      import tarfile, sys
      for i in tarfile.open(fileobj=sys.stdin.buffer, mode="r|"):
          print(i.type.decode(), i.name, oct(i.mode), i.uid, i.gid, i.size, int(i.mtime), i.linkname, i.devmajor, i.devminor, i.uname)
      """
    let text = String(
      decoding: try Sample.run(["python3", "-c", script], input: try archive(Self.entries)),
      as: UTF8.self
    )
    let expected = Self.entries.map { entry, _ in
      let name = entry.path.isEmpty ? "." : entry.path.string
      let (type, link, major, minor) = self.python(entry.kind)
      let mode = "0o\(String(entry.mode, radix: 8))"
      return
        "\(type) \(name) \(mode) \(entry.uid) \(entry.gid) \(entry.size) \(entry.mtime.seconds) \(link) \(major) \(minor) "
    }
    #expect(text.split(separator: "\n").map(String.init) == expected)
  }

  private func python(_ kind: TarEntry.Kind) -> (String, String, UInt32, UInt32) {
    switch kind {
    case .file: ("0", "", 0, 0)
    case .hardLink(let target): ("1", target.string, 0, 0)
    case .symlink(let target): ("2", target.string, 0, 0)
    case .characterDevice(let major, let minor): ("3", "", major, minor)
    case .blockDevice(let major, let minor): ("4", "", major, minor)
    case .directory: ("5", "", 0, 0)
    case .fifo: ("6", "", 0, 0)
    }
  }

  @Test("GNU tar lists it without complaint and extracts the bodies")
  func gnu() throws {
    let tar = try archive(Self.entries)
    let names = String(decoding: try Sample.run(["tar", "-t", "--quoting-style=literal"], input: tar), as: UTF8.self)
    #expect(names.split(separator: "\n").count == Self.entries.count)
    #expect(try Sample.run(["tar", "-xO", "dir/file"], input: tar) == Sample.text(600))
  }

  @Test("names that are no UTF-8 keep their bytes")
  func rawNames() throws {
    let name: [CChar] = [-1, -2, 0x61, 0]
    let path = name.withUnsafeBufferPointer { $0.baseAddress.map { FilePath(platformString: $0) } ?? "" }
    let tar = try archive([(TarEntry(path: path, kind: .file, mode: 0o644), [])])
    #expect(try TarReader(over: BytesReader(tar), limits: .layer).next()?.path == path)
    #expect(try Sample.run(["tar", "-t", "--quoting-style=literal"], input: tar) == [0xFF, 0xFE, 0x61, 0x0A])
  }

  @Test("plain entries are plain ustar, one block each")
  func plain() throws {
    let tar = try archive([
      (TarEntry(path: "d", kind: .directory, mode: 0o755, mtime: .init(seconds: 1, nanoseconds: 9)), [])
    ])
    #expect(tar.count == 512 + 1024)
    #expect(String(decoding: tar[..<2], as: UTF8.self) == "d/")
    #expect(String(decoding: tar[257..<265], as: UTF8.self) == "ustar\u{0}00")
  }

  @Test("a body that ends early fails, one that goes on is left there")
  func bodySize() throws {
    let entry = TarEntry(path: "f", kind: .file, mode: 0o644, size: 3)
    #expect(Sample.reason { _ = try archive([(entry, [1, 2])]) } == "file-changed")
    let body = BytesReader([1, 2, 3, 4])
    try TarWriter(into: BytesWriter()).append(entry, body: body)
    #expect(try body.contents(limit: .init(9)) == [4])
  }

  @Test("sizes beyond eight gigabytes are records")
  func largeSize() throws {
    let collected = BytesWriter()
    let entry = TarEntry(path: "f", kind: .file, mode: 0o644, size: 9 << 30)
    #expect(Sample.reason { try TarWriter(into: collected).append(entry) } == "file-changed")
    #expect(try TarReader(over: BytesReader(collected.bytes), limits: .layer).next()?.size == 9 << 30)
  }
}
