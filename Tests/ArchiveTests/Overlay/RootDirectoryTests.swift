import Archive
import Diagnostics
import SystemPackage
import Testing

@Suite struct RootDirectoryTests {
  private func withRoot(_ body: (RootDirectory) throws -> Void) throws {
    try Sample.withDirectory { directory in
      try Sample.write(Array("outside".utf8), to: directory.appending("secret"))
      let script = """
        mkdir -p root/etc root/home && cd root && printf root:x:0 > etc/passwd && ln -s /etc/passwd abs
        ln -s ../../../secret up && ln -s loop loop && ln -s /../secret rootup && mkfifo pipe && ln -s etc dir
        """
      try Sample.run(["sh", "-ec", script], in: directory)
      try body(try RootDirectory(directory.appending("root")))
    }
  }

  @Test(
    "absolute links and dots stay inside",
    arguments: ["abs", "/abs", "etc/passwd", "/etc/../../etc/passwd", "dir/passwd"]
  )
  func inside(_ path: FilePath) throws {
    try withRoot { root throws in
      #expect(try root.contents(of: path, limit: .kibibytes(64)) == Array("root:x:0".utf8))
    }
  }

  @Test("what is outside is not found", arguments: ["up", "rootup", "../secret", "/../secret", "none"])
  func outside(_ path: FilePath) throws {
    try withRoot { root throws in
      #expect(Sample.reason { _ = try root.open(path) } == "file-not-found")
      #expect(Sample.reason { _ = try root.contents(of: path, limit: .kibibytes(1)) } == "file-not-found")
    }
  }

  @Test("links are told from what they lead to")
  func status() throws {
    try withRoot { root throws in
      #expect(try root.status("abs").kind == .file)
      #expect(try root.status("abs", followLast: false).kind == .symlink)
      #expect(try root.status("abs").size == 8)
      #expect(try root.status("").kind == .directory)
      #expect(try root.readLink("up") == "../../../secret")
      #expect(Sample.reason { _ = try root.status("loop") } == "file-link-loop")
    }
  }

  @Test("directories are listed sorted")
  func list() throws {
    try withRoot { root throws in
      #expect(try root.list("/").map(\.string) == ["abs", "dir", "etc", "home", "loop", "pipe", "rootup", "up"])
      #expect(try root.list("dir").map(\.string) == ["passwd"])
    }
  }

  @Test("a pipe doesn't hold its reader, and is no regular file", .timeLimit(.minutes(1)))
  func pipe() throws {
    try withRoot { root throws in
      try root.open("pipe").close()
      #expect(Sample.reason { _ = try root.contents(of: "pipe", limit: .kibibytes(1)) } == "file-kind")
    }
  }

  @Test("files can be made inside")
  func create() throws {
    try withRoot { root throws in
      let descriptor = try root.open("dir/new", .writeOnly, options: [.create], permissions: .ownerReadWrite)
      try descriptor.writeAll(Array("x".utf8))
      try descriptor.close()
      #expect(try root.contents(of: "etc/new", limit: .kibibytes(1)) == [UInt8(ascii: "x")])
    }
  }
}
