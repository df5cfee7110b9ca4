import Archive
import Diagnostics
import SystemPackage
import TestSupport
import Testing

@testable import Builder

@Suite("A root seen through its layers")
struct RootTreeTests {
  static let lower = [
    Entry.directory("a"), Entry.file("a/1", "lower"), Entry.file("a/2", "lower"), Entry.directory("a/sub"),
    Entry.file("a/sub/x", "lower"), Entry.file("f", "lower"),
  ]

  @Test(
    "shows what an overlay of them would",
    arguments: [
      ("nothing above", [], ["a/", "a/1 = lower", "a/2 = lower", "a/sub/", "a/sub/x = lower", "f = lower"]),
      (
        "directories merge, files replace",
        [Entry.directory("a"), Entry.file("a/1", "upper"), Entry.file("a/3", "upper")],
        ["a/", "a/1 = upper", "a/2 = lower", "a/3 = upper", "a/sub/", "a/sub/x = lower", "f = lower"]
      ),
      (
        "a whiteout removes", [Entry.file("a/.wh.1"), Entry.file("a/.wh.sub")],
        ["a/", "a/2 = lower", "f = lower"]
      ),
      (
        "an opaque directory hides",
        [Entry.directory("a"), Entry.file("a/.wh..wh..opq"), Entry.file("a/new", "upper")],
        ["a/", "a/new = upper", "f = lower"]
      ),
      ("a file hides a directory", [Entry.file("a", "upper")], ["a = upper", "f = lower"]),
      (
        "a directory hides a file", [Entry.directory("f"), Entry.file("f/in", "upper")],
        ["a/", "a/1 = lower", "a/2 = lower", "a/sub/", "a/sub/x = lower", "f/", "f/in = upper"]
      ),
      ("a link hides a directory", [Entry.symlink("a", "f")], ["a -> f", "f = lower"]),
    ])
  func stacks(name: String, upper: [LayerEntry], listing: [String]) throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let below = try DiskLayer(Self.lower, in: folder, "lower")
    let above = try DiskLayer(upper, in: folder, "upper")
    #expect(try RootTree(layers: [above, below]).listing() == listing)
    // An index has no whiteouts, and shows the same otherwise.
    guard !upper.contains(where: { $0.tar.path.string.contains(".wh.") }) else { return }
    #expect(try RootTree(layers: [VirtualLayer(upper), below]).listing() == listing)
    #expect(try RootTree(layers: [above, VirtualLayer(Self.lower)]).listing() == listing)
    #expect(try RootTree(layers: [VirtualLayer(upper), VirtualLayer(Self.lower)]).listing() == listing)
  }

  @Test("finds nothing below what a middle layer removed")
  func middle() throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let layers: [any LayerView] = [
      VirtualLayer([Entry.directory("a"), Entry.file("a/new", "top")]),
      try DiskLayer([Entry.file(".wh.a")], in: folder, "middle"), VirtualLayer(Self.lower),
    ]
    let tree = RootTree(layers: layers)
    #expect(try tree.listing() == ["a/", "a/new = top", "f = lower"])
    #expect(try tree.node("a/sub/x") == nil)
  }

  @Test("shows each name of a hard link as the file, with one identity for all")
  func hardLinks() throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let entries = [
      Entry.directory("d"), Entry.file("d/one", "text", mode: 0o600, uid: 7), Entry.link("d/two", "d/one"),
      Entry.file("other", "text"),
    ]
    for layer: any LayerView in [VirtualLayer(entries), try DiskLayer(entries, in: folder, "disk")] {
      let tree = RootTree(layers: [layer])
      #expect(try tree.listing() == ["d/", "d/one = text", "d/two = text", "other = text"])
      let one = try #require(try tree.node("d/one"))
      let two = try #require(try tree.node("d/two"))
      #expect(one.link != nil && one.link == two.link)
      #expect(two.entry.mode == 0o600)
      #expect(try tree.node("other")?.link == nil)
    }
  }

  static let links = RootTree(
    Entry.directory("real"), Entry.file("real/file"), Entry.symlink("real/up", "../real"),
    Entry.symlink("abs", "/real"),
    Entry.symlink("chain", "abs"), Entry.symlink("out", "../../../real/file"), Entry.symlink("loop", "loop2"),
    Entry.symlink("loop2", "loop"), Entry.symlink("gone", "nowhere/x"))

  @Test(
    "resolves links inside itself, as in a chroot",
    arguments: [
      ("real/file", true, "real/file"), ("abs/file", true, "real/file"), ("chain/file", true, "real/file"),
      ("chain/up/up/file", true, "real/file"), ("abs", true, "real"), ("abs", false, "abs"),
      ("chain/up", false, "real/up"), ("out", true, "real/file"), ("../..//real/./file", true, "real/file"),
      ("gone", true, "nowhere/x"), ("gone/y", false, "nowhere/x/y"), ("missing/../real", true, "real"),
      ("real/file/../file", true, "real/file"), ("", true, ""), ("/", true, ""), ("loop", false, "loop"),
    ] as [(FilePath, Bool, FilePath)])
  func resolves(path: FilePath, followLast: Bool, result: FilePath) throws {
    #expect(try Self.links.resolve(path, followLast: followLast) == result)
  }

  @Test("refuses links that go round")
  func loops() throws {
    let failure = try #require(throws: Failure.self) { try Self.links.resolve("loop/x", followLast: true) }
    #expect(failure.reason == "too-many-links")
  }
}
