import Diagnostics
import Testing
import TestSupport

@testable import Git

@Suite struct TreeWalkTests {
  /// One entry's name between two ordinary ones, where its bytes put it.
  private func walk(_ name: [UInt8], mode: String = "100644") async throws -> [String] {
    try await withTemporaryFolder { folder in
      let objects = try SampleObjects(in: folder)
      let blob = try objects.blob("x")
      let tree = try objects.tree([(mode, name, mode == "40000" ? try objects.tree([]) : blob)])
      return try TreeWalk.paths(tree, try objects.finish())
    }
  }

  @Test(
    "names that stand for .git somewhere are refused",
    arguments: [
      ".git", ".GIT", ".giT", "git~1", "GIT~1", ".git ", ".git.", ".git . .", "git~1.", ".git::$INDEX_ALLOCATION",
      ".git:x", ".g\u{200C}it", "\u{FEFF}.git", ".gi\u{206A}T", ".git\u{202E}", "x\\.git", "a\\b\\git~1", ".git\\x",
    ])
  func dotGit(name: String) async throws {
    for mode in ["100644", "40000", "120000"] {
      let error = await #expect(throws: Failure.self) { try await walk(Array(name.utf8), mode: mode) }
      #expect(error?.reason == "git-tree-invalid")
    }
  }

  @Test(
    "names that lead out of the tree or nowhere are refused",
    arguments: [".", "..", "", "/", "a/b", "/etc/passwd", "../x", String(repeating: "n", count: 256)])
  func escapes(name: String) async throws {
    let error = await #expect(throws: Failure.self) { try await walk(Array(name.utf8)) }
    #expect(["git-tree-invalid", "git-object-corrupt"].contains(error?.reason))
  }

  @Test(
    "names git allows are allowed",
    arguments: [
      ".gitignore", ".gitmodules", ".gitattributes", "git", "git~2", "..a", "...", "a\\b", ".git2", ".gitx", "x.git",
      "naïve", "a b", "tab\t", "line\n", "cr\r", "g\u{200C}it", String(repeating: "n", count: 255),
    ])
  func allowed(name: String) async throws { #expect(try await walk(Array(name.utf8)) == [name]) }

  @Test("a name that is no text passes unchanged, and messages show it") func bytes() async throws {
    try await withTemporaryFolder { folder in
      let objects = try SampleObjects(in: folder)
      let tree = try objects.tree([("100644", [0xFF, 0xFE], try objects.blob("x"))])
      var walk = TreeWalk(tree, contents: ObjectContents(try objects.finish()), limits: GitLimits())
      #expect(try walk.next()?.path == [0xFF, 0xFE])
    }
    #expect(quoted(Array("a\u{1B}[2J".utf8)) == "a\\u{1b}[2J")
  }

  @Test(
    ".gitmodules as a link is refused, in disguise too",
    arguments: [".gitmodules", ".GitModules", "gitmod~1", "gi7eba~1"])
  func linkedModules(name: String) async throws {
    let error = await #expect(throws: Failure.self) { try await walk(Array(name.utf8), mode: "120000") }
    #expect(error?.reason == "git-tree-invalid")
  }

  @Test(
    "entries twice, out of order, or file and directory are refused",
    arguments: [
      [("100644", "a"), ("100644", "a")],
      [("100644", "b"), ("100644", "a")],
      [("100644", "a"), ("40000", "a")],
      [("120000", "a"), ("40000", "a")],
      [("160000", "a"), ("40000", "a")],
      [("100644", "a"), ("100644", "a-b"), ("100644", "a.b"), ("40000", "a")],
      [("40000", "a"), ("100644", "a")],
      [("40000", "a"), ("100644", "a.b")],
      [("120000", "a"), ("100644", "a-b"), ("40000", "a-b"), ("40000", "a")],
    ])
  func disorder(entries: [(String, String)]) async throws {
    try await withTemporaryFolder { folder in
      let objects = try SampleObjects(in: folder)
      let blob = try objects.blob("x")
      let inner = try objects.tree([])
      let tree = try objects.tree(entries.map { ($0.0, Array($0.1.utf8), $0.0 == "40000" ? inner : blob) })
      let source = try objects.finish()
      let error = #expect(throws: Failure.self) { try TreeWalk.paths(tree, source) }
      #expect(error?.reason == "git-tree-invalid")
    }
  }

  @Test("names that only begin alike are fine") func alike() async throws {
    try await withTemporaryFolder { folder in
      let objects = try SampleObjects(in: folder)
      let blob = try objects.blob("x")
      let inner = try objects.tree([("100644", Array("x".utf8), blob)])
      let tree = try objects.tree([
        ("100644", Array("A".utf8), blob), ("100644", Array("a".utf8), blob), ("40000", Array("a-b".utf8), inner),
        ("100644", Array("a.b".utf8), blob), ("40000", Array("ab".utf8), inner),
      ])
      #expect(try TreeWalk.paths(tree, try objects.finish()) == ["A", "a", "a-b", "a-b/x", "a.b", "ab", "ab/x"])
    }
  }

  @Test("a git bomb ends at the limit of files, without being unfolded") func bomb() async throws {
    try await withTemporaryFolder { folder in
      let objects = try SampleObjects(in: folder)
      var id = try objects.blob("boom")
      for level in 0..<10 {
        let (mode, inner) = (level == 0 ? "100644" : "40000", id)
        id = try objects.tree((0..<10).map { (mode, Array("d\($0)".utf8), inner) })
      }
      let (tree, source) = (id, try objects.finish())
      var limits = GitLimits()
      limits.files = 5000
      let error = #expect(throws: Failure.self) { try TreeSurvey(tree, source: source, limits: limits) }
      #expect(error?.reason == "git-tree-too-large")
      #expect(error?.hint?.contains("--git-limit files=") == true)
    }
  }

  @Test("a tree nested too deep ends at the limit of depth") func nested() async throws {
    try await withTemporaryFolder { folder in
      let objects = try SampleObjects(in: folder)
      var id = try objects.blob("deep")
      for level in 0..<1000 { id = try objects.tree([(level == 0 ? "100644" : "40000", Array("d".utf8), id)]) }
      let (tree, source) = (id, try objects.finish())
      let error = #expect(throws: Failure.self) { try TreeWalk.paths(tree, source) }
      #expect(error?.reason == "git-tree-too-large")
      #expect(error?.hint?.contains("--git-limit tree-depth=") == true)
    }
  }

  @Test("one large file named often ends at the limit of bytes") func bytesLimit() async throws {
    try await withTemporaryFolder { folder in
      let objects = try SampleObjects(in: folder)
      let blob = try objects.add(.blob, [UInt8](repeating: 7, count: 1 << 20))
      let tree = try objects.tree((10..<80).map { ("100644", Array("f\($0)".utf8), blob) })
      let source = try objects.finish()
      var limits = GitLimits()
      limits.unpackedSize = .mebibytes(64)
      let error = #expect(throws: Failure.self) { try TreeWalk.paths(tree, source, limits: limits) }
      #expect(error?.reason == "git-tree-too-large")
      #expect(error?.hint?.contains("--git-limit unpacked-size=") == true)
    }
  }

  @Test("a tree where a file should be, and the reverse, are refused") func kinds() async throws {
    try await withTemporaryFolder { folder in
      let objects = try SampleObjects(in: folder)
      let blob = try objects.blob("x")
      let inner = try objects.tree([])
      let asFile = try objects.tree([("100644", Array("a".utf8), inner)])
      let asDirectory = try objects.tree([("40000", Array("a".utf8), blob)])
      let missing = try objects.tree([
        ("100644", Array("a".utf8), try #require(ObjectID(hex: String(repeating: "ab", count: 20))))
      ])
      let source = try objects.finish()
      #expect(#expect(throws: Failure.self) { try TreeWalk.paths(asFile, source) }?.reason == "git-tree-invalid")
      #expect(#expect(throws: Failure.self) { try TreeWalk.paths(asDirectory, source) }?.reason == "git-object-kind")
      #expect(#expect(throws: Failure.self) { try TreeWalk.paths(missing, source) }?.reason == "git-object-missing")
    }
  }
}
