import Archive
import Diagnostics
import SystemPackage
import Testing

@Suite struct DirectoryPackerTests {
  @Test("a directory is written sorted, as user 0, without what the rule leaves out")
  func context() throws {
    try Sample.withDirectory { directory in
      let script = """
        mkdir -p src/deep .git node_modules/x && echo a > src/a && echo b > src/deep/b && ln -s nowhere src/l
        touch .git/config node_modules/x/y Z && chmod 755 src/a && touch -d @1700000000 src/a && mkfifo pipe
        chown 5:6 src/a 2>/dev/null || true
        """
      try Sample.run(["sh", "-ec", script], in: directory)
      let tar = BytesWriter()
      let writer = TarWriter(into: tar)
      var asked: [FilePath] = []
      let summary = try DirectoryPacker(directory: directory).pack(into: writer) { path, isDirectory in
        asked.append(path)
        return path == ".git" && isDirectory || path == "node_modules"
      }
      try writer.finish()
      #expect(!asked.contains("node_modules/x"))
      #expect(summary.entries == 6 && summary.files == 3 && summary.size == ByteCount(4))
      #expect(
        summary.leftOut == [
          .init(path: ".git", reason: .skipped), .init(path: "node_modules", reason: .skipped),
          .init(path: "pipe", reason: .special(.fifo)),
        ]
      )
      let reader = TarReader(over: BytesReader(tar.bytes), limits: .context)
      var entries: [TarEntry] = []
      while let entry = try reader.next() { entries.append(entry) }
      #expect(entries.map(\.path) == ["Z", "src", "src/a", "src/deep", "src/deep/b", "src/l"])
      #expect(entries[2].mode == 0o755 && entries[2].uid == 0 && entries[2].gid == 0)
      #expect(entries[2].mtime == FileTime(seconds: 1_700_000_000))
      #expect(entries[5].kind == .symlink(target: "nowhere"))
    }
  }

  @Test("a missing directory is told by name")
  func missing() {
    let packer = DirectoryPacker(directory: "/nonexistent")
    #expect(Sample.reason { _ = try packer.pack(into: TarWriter(into: BytesWriter())) } == "file-not-found")
  }

  @Test("a thousand levels end in no crash")
  func deep() throws {
    try Sample.withDirectory { directory in
      let script = "import os\nfor i in range(1000): os.mkdir('d'); os.chdir('d')"
      try Sample.run(["python3", "-c", script], in: directory)
      let packer = DirectoryPacker(directory: directory)
      let reason = Sample.reason { _ = try packer.pack(into: TarWriter(into: BytesWriter())) }
      #expect(reason == nil || reason == "too-many-open-files")
    }
  }
}
