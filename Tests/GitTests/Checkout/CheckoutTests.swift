import Archive
import Diagnostics
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import Git

@Suite struct CheckoutTests {
  private func withBench(
    format: String = "sha1", _ body: (FetchBench, SampleRepository) async throws -> Void
  ) async throws {
    try await withTemporaryFolder { folder in
      let repository = try await SampleRepository(folder.path("one"), format: format)
      try repository.write("hello\n", to: "web/hello.txt")
      try repository.write(String(repeating: "0123456789abcdef", count: 40_000), to: "web/large.bin")
      try repository.write("", to: "web/empty")
      try repository.write("#!/bin/sh\n", to: "run")
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path("one/run"))
      try FileManager.default.createSymbolicLink(
        atPath: folder.path("one/link"), withDestinationPath: "../../etc/passwd")
      try await repository.commit("first")
      try await repository.commit("second")
      try await body(try FetchBench(folder), repository)
    }
  }

  @Test("files, modes and links are git's own") func files() async throws {
    try await withBench { bench, repository in
      let made = try await bench.checkOut(try bench.order(), into: "out")
      #expect(made.files == 5)
      #expect(made.commit.hex == (try await repository.run("rev-parse", "HEAD")))
      let clone = bench.folder.path("clone")
      try await repository.run("clone", "-q", "--depth", "1", "file://\(repository.folder)", clone)
      try FileManager.default.removeItem(atPath: "\(clone)/.git")
      let same = try await Tool("diff").run(["-r", "--no-dereference", clone, bench.folder.path("out")])
      #expect(same.status == 0, "\(same.all)")
      for name in ["run", "web", "web/hello.txt"] {
        let modes = try [clone, bench.folder.path("out")].map {
          try FileManager.default.attributesOfItem(atPath: "\($0)/\(name)")[.posixPermissions] as? Int
        }
        #expect(modes[0] == modes[1], "\(name)")
      }
    }
  }

  @Test("a directory alone is checked out as if it were the root") func directory() async throws {
    try await withBench { bench, _ in
      let made = try await bench.checkOut(try bench.order(directory: "web"), into: "out")
      #expect(made.files == 3)
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: bench.folder.path("out")).sorted() == [
          "empty", "hello.txt", "large.bin",
        ])
    }
  }

  @Test("a directory with something in it is refused and left alone") func occupied() async throws {
    try await withBench { bench, _ in
      try bench.folder.write("mine", to: "out/mine.txt")
      let error = await #expect(throws: Failure.self) { try await bench.checkOut(try bench.order(), into: "out") }
      #expect(error?.reason == "checkout-directory-not-empty")
      #expect(try FileManager.default.contentsOfDirectory(atPath: bench.folder.path("out")) == ["mine.txt"])
    }
  }

  @Test("a checkout that fails leaves nothing", arguments: [true, false])
  func failing(isThere: Bool) async throws {
    try await withTemporaryFolder { folder in
      let objects = try SampleObjects(in: folder)
      let blob = try objects.blob("x")
      let inner = try objects.tree([("100644", Array("file".utf8), blob)])
      let tree = try objects.tree([
        ("40000", Array("a".utf8), inner), ("100644", [0xFF], blob), ("100644", [0xFF, 0x2E], blob),
      ])
      let source = try objects.finish()
      let out = FilePath(folder.path("out"))
      if isThere { try FileManager.default.createDirectory(atPath: out.string, withIntermediateDirectories: false) }
      let mounted = MountedTrees(trees: [
        MountedTree(prefix: [], tree: tree, source: ObjectSources([source]), time: 0),
        MountedTree(prefix: Array("a/nowhere".utf8), tree: inner, source: ObjectSources([source]), time: 0),
      ])
      let checkout = DirectoryCheckout(target: out, limits: GitLimits())
      #expect(throws: Failure.self) { try checkout.write(mounted) { () throws(Failure) in } }
      #expect(FileManager.default.fileExists(atPath: out.string) == isThere)
      if isThere { #expect(try FileManager.default.contentsOfDirectory(atPath: out.string).isEmpty) }
    }
  }

  @Test("a link made before is never written through") func throughLinks() async throws {
    try await withTemporaryFolder { folder in
      let objects = try SampleObjects(in: folder)
      let target = try objects.blob(folder.path("outside"))
      let inner = try objects.tree([("100644", Array("x".utf8), try objects.blob("evil"))])
      let tree = try objects.tree([("120000", Array("a".utf8), target)])
      let source = try objects.finish()
      try FileManager.default.createDirectory(atPath: folder.path("outside"), withIntermediateDirectories: false)
      // Not to be had from one tree, whose names are checked; so by a submodule at the link's place.
      let mounted = MountedTrees(trees: [
        MountedTree(prefix: [], tree: tree, source: ObjectSources([source]), time: 0),
        MountedTree(prefix: Array("a".utf8), tree: inner, source: ObjectSources([source]), time: 0),
      ])
      let checkout = DirectoryCheckout(target: FilePath(folder.path("out")), limits: GitLimits())
      #expect(throws: Failure.self) { try checkout.write(mounted) { () throws(Failure) in } }
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("outside")).isEmpty)
    }
  }

  @Test("a .git that is kept satisfies git", arguments: ["sha1", "sha256"])
  func gitDirectory(format: String) async throws {
    try await withBench(format: format) { bench, repository in
      let made = try await bench.checkOut(try bench.order(keepsGit: true), into: "out")
      let out = bench.folder.path("out")
      #expect(try await repository.run("status", "--porcelain", in: out) == "")
      #expect(try await repository.run("fsck", "--full", "--strict", in: out) == "")
      #expect(try await repository.run("log", "--format=%H %s", in: out) == "\(made.commit.hex) second")
      #expect(try await repository.run("symbolic-ref", "HEAD", in: out) == "refs/heads/main")
      #expect(
        try await repository.run("config", "remote.origin.url", in: out) == "https://git.example.org/one.git")
      let files = try await Tool("grep").run(["-r", "-l", "hush", out, bench.folder.path("store")])
      #expect(files.output == "")
    }
  }

  @Test("a context with its .git is a repository too") func gitContext() async throws {
    try await withBench { bench, repository in
      let tree = try await bench.tree(try bench.order(keepsGit: true))
      let out = bench.folder.path("out")
      try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: false)
      for entry in tree.index.entries {
        let path = "\(out)/\(entry.entry.path)"
        switch entry.entry.kind {
        case .directory: try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        case .symlink(let target):
          try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target.string)
        default:
          try Data(try tree.index.body(of: entry).contents(limit: .mebibytes(16))).write(to: URL(fileURLWithPath: path))
          try FileManager.default.setAttributes([.posixPermissions: Int(entry.entry.mode)], ofItemAtPath: path)
        }
      }
      #expect(try await repository.run("status", "--porcelain", in: out) == "")
      #expect(try await repository.run("log", "--format=%s", in: out) == "second")
      let place = FilePath(bench.store.folder.string)
      let files = try #require(tree.index.files.last).removingLastComponent()
      #expect(files.starts(with: place))
      tree.lease.release()
      #expect(!FileManager.default.fileExists(atPath: files.string))
      let error = await #expect(throws: Failure.self) {
        try await bench.tree(try bench.order(directory: "web", keepsGit: true))
      }
      #expect(error?.reason == "git-directory-invalid")
    }
  }
}
