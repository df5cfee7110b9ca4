import Archive
import Diagnostics
import Foundation
import OCI
import SystemPackage
import TestSupport
import Testing

@testable import Builder

@Suite("A directory as context")
struct DirectoryContextTests {
  private func context(
    _ files: [String: String], dockerfile: String = "Dockerfile", _ body: (BuildContext, TemporaryFolder) throws -> Void
  ) async throws {
    try await withTemporaryFolder { folder in
      for (name, text) in files { try folder.write(text, to: name) }
      try body(
        try BuildContext(.directory(FilePath(folder.path)), scratch: "/nowhere", dockerfile: dockerfile), folder)
    }
  }

  private func names(_ context: BuildContext, in path: FilePath = FilePath()) -> [String] {
    context.names(in: path).map(\.string)
  }

  @Test("shows what its archive would show, with .dockerignore's negations below directories it leaves out")
  func ignoreFile() async throws {
    let files = [
      "Dockerfile": "FROM scratch\n", ".dockerignore": "*\n!src\nsrc/*.log\n!src/kept.log\nnode\n!node/keep\n",
      "secret": "x", "src/a": "a", "src/b.log": "b", "src/kept.log": "c", "node/keep/me": "d", "node/drop/me": "e",
    ]
    try await context(files) { context, _ throws in
      #expect(names(context) == ["node", "src"])
      #expect(names(context, in: "src") == ["a", "kept.log"])
      #expect(names(context, in: "node") == ["keep"])
      #expect(context.isIgnored("secret") && context.isIgnored("src/b.log") && context.isIgnored("node/drop/me"))
      #expect(!context.isIgnored("src/a") && !context.isIgnored("node/drop/none"))
      #expect(try context.dockerfile("Dockerfile") == "FROM scratch\n")
      #expect(context.summary.files == 3 && context.summary.size == ByteCount(3))
    }
  }

  @Test("is not looked into where everything is left out")
  func pruning() async throws {
    try await withTemporaryFolder { folder in
      try folder.write("x", to: "big/deep/file")
      try folder.write("x", to: "kept/file")
      var asked: [String] = []
      let listing = try DirectoryListing(of: FilePath(folder.path)) { path in
        asked.append(path.string)
        return path == "big"
      }
      #expect(asked == ["big", "kept"])
      #expect(listing.pruned == ["big"] && listing.entries.map(\.entry.path.string) == ["big", "kept", "kept/file"])
    }
  }

  @Test("keeps hard links and links, belongs to root, and leaves out what no build can read")
  func kinds() async throws {
    try await withTemporaryFolder { folder in
      try folder.write("one", to: "a")
      try FileManager.default.linkItem(atPath: folder.path("a"), toPath: folder.path("b"))
      try FileManager.default.createSymbolicLink(atPath: folder.path("c"), withDestinationPath: "/etc/passwd")
      #expect(mkfifo(folder.path("d"), 0o600) == 0)
      _ = chown(folder.path("a"), 12, 34)
      let context = try BuildContext(
        .directory(FilePath(folder.path)), scratch: "/nowhere", dockerfile: "Dockerfile")
      #expect(names(context) == ["a", "b", "c"])
      let (a, b) = (try #require(try context.node("a")), try #require(try context.node("b")))
      #expect(a.link != nil && a.link == b.link && b.entry.size == 3)
      #expect(a.entry.uid == 0 && a.entry.gid == 0)
      #expect(try context.node("c")?.entry.kind == .symlink(target: "/etc/passwd"))
      #expect(try b.body.reader()?.contents(limit: .kibibytes(1)) == Array("one".utf8))
    }
  }

  @Test("does not follow a link out of itself, not even for the Dockerfile")
  func escape() async throws {
    try await withTemporaryFolder { folder in
      try folder.write("FROM outside\n", to: "outside")
      try folder.write("", to: "ctx/x")
      try FileManager.default.createSymbolicLink(
        atPath: folder.path("ctx/Dockerfile"), withDestinationPath: "../outside")
      let context = try BuildContext(
        .directory(FilePath(folder.path("ctx"))), scratch: "/nowhere", dockerfile: "Dockerfile")
      #expect(throws: Failure.self) { try context.dockerfile("Dockerfile") }
    }
  }

  @Test("fails a build whose file changes between its two readings", arguments: ["grown", "sma", "fives"])
  func changes(after: String) async throws {
    try await context(["file": "sixes"]) { context, folder throws in
      let node = try #require(try context.node("file"))
      let entry = LayerEntry(tar: node.entry, body: node.body, digest: Digest(sha256Of: Array("sixes".utf8)))
      try entry.append(to: TarWriter(into: BytesWriter()), from: OpenBodies())
      try folder.write(after, to: "file")
      #expect { try entry.append(to: TarWriter(into: BytesWriter()), from: OpenBodies()) } throws: { error in
        (error as? Failure)?.reason == "file-changed"
      }
    }
  }

  @Test("an archive's directory can be the root, with its hard links")
  func subtree() async throws {
    try await withTemporaryFolder { folder in
      try folder.write("FROM scratch\n", to: "tree/app/Dockerfile")
      try folder.write("x", to: "tree/app/one")
      try folder.write("x", to: "tree/top")
      try FileManager.default.linkItem(atPath: folder.path("tree/app/one"), toPath: folder.path("tree/app/two"))
      try FileManager.default.linkItem(atPath: folder.path("tree/top"), toPath: folder.path("tree/zapp"))
      let packed = try await Tool("tar").run([
        "-C", folder.path("tree"), "-cf", folder.path("c.tar"), "app", "top", "zapp",
      ])
      try #require(packed.status == 0, "\(packed.all)")
      func open(_ path: String) throws -> BuildContext {
        try BuildContext(
          .archive(FilePath(folder.path("c.tar"))), subPath: path, scratch: FilePath(folder.path("s")),
          dockerfile: "Dockerfile")
      }
      let context = try open("./app/")
      #expect(names(context) == ["Dockerfile", "one", "two"])
      let (one, two) = (try context.node("one"), try context.node("two"))
      #expect(one?.link != nil && one?.link == two?.link)
      #expect(names(try open("")) == ["app", "top", "zapp"])
      for path in ["none", "top", "../app", "app/.."] where path != "app/.." {
        #expect { try open(path) } throws: { ($0 as? Failure)?.reason == "context-directory-missing" }
      }
    }
  }
}
