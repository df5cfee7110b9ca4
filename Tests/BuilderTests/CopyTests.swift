import Archive
import Diagnostics
import Glibc
import OCI
import SystemPackage
import TestSupport
import Testing

@testable import Builder

/// Copies `sources` of one tree into another and answers with the layer.
func copied(
  _ sources: [String], to destination: String, from tree: RootTree, into root: RootTree = RootTree(layers: []),
  owner: (uid: UInt32, gid: UInt32)? = nil, mode: String? = nil, excludes: [String] = [], unpacks: Bool = false,
  ignored: Set<FilePath> = [], parents: Bool = false
) throws -> [LayerEntry] {
  let folder = try TemporaryFolder()
  defer { folder.remove() }
  let action = CopyAction(
    origin: .context, sources: sources.map { .path($0) }, destination: StagePlanner.resolve(destination, from: "/"),
    endsWithSlash: destination.hasSuffix("/"), owner: nil, mode: try mode.map { try ModeChange($0) },
    unpacksArchives: unpacks, excludes: excludes, keepsParents: parents)
  return try CopySources(
    action: action, tree: tree, isIgnored: { ignored.contains($0) },
    destination: try CopyDestination(action, root: root, owner: owner, now: 0),
    scratch: try ScratchFolder(FilePath(folder.path("scratch")))
  ).entries()
}

@Suite("COPY")
struct CopyTests {
  static let context = RootTree(
    Entry.file("file", "F"), Entry.file("other.txt", "O"), Entry.file("more.txt", "M"),
    Entry.directory("dir", mode: 0o700), Entry.file("dir/in", "I", mode: 0o600),
    Entry.directory("dir/sub", mode: 0o750),
    Entry.file("dir/sub/deep", "D"), Entry.symlink("to-file", "file"), Entry.symlink("to-dir", "dir"),
    Entry.symlink("dir/link", "../file"), Entry.file("[odd]", "odd"))
  static let image = RootTree(
    Entry.directory("tmp", mode: 0o1777), Entry.directory("etc", uid: 5), Entry.file("etc/passwd", "P"),
    Entry.directory("usr"), Entry.directory("usr/bin", mode: 0o711), Entry.symlink("bin", "usr/bin"),
    Entry.symlink("abs", "/etc"), Entry.symlink("current", "etc/passwd"), Entry.directory("sub"),
    Entry.symlink("dangling", "/new/place"), Entry.directory("links"), Entry.symlink("links/file", "/etc/passwd"))

  @Test(
    "places its sources",
    arguments: [
      (["file"], "/new", ["new = F 644 0:0"]),
      (["file"], "/new/", ["new/ 755 0:0", "new/file = F 644 0:0"]),
      (["file"], "/", ["file = F 644 0:0"]),
      (["file"], "/a/b/c", ["a/ 755 0:0", "a/b/ 755 0:0", "a/b/c = F 644 0:0"]),
      (["file"], "/tmp", ["tmp/ 1777 0:0", "tmp/file = F 644 0:0"]),
      (["file"], "/etc/passwd", ["etc/ 755 5:0", "etc/passwd = F 644 0:0"]),
      (["file"], "/bin/tool", ["usr/ 755 0:0", "usr/bin/ 711 0:0", "usr/bin/tool = F 644 0:0"]),
      (["file"], "/bin", ["usr/ 755 0:0", "usr/bin/ 711 0:0", "usr/bin/file = F 644 0:0"]),
      (["file"], "/abs/x", ["etc/ 755 5:0", "etc/x = F 644 0:0"]),
      (["file"], "/current", ["etc/ 755 5:0", "etc/passwd = F 644 0:0"]),
      (["file"], "/dangling", ["new/ 755 0:0", "new/place = F 644 0:0"]),
      (["file", "to-file"], "/links/", ["links/ 755 0:0", "links/file = F 644 0:0", "links/to-file = F 644 0:0"]),
      (["to-file"], "/x/", ["x/ 755 0:0", "x/to-file = F 644 0:0"]),
      (["to-file"], "/x", ["x = F 644 0:0"]),
      (
        ["dir"], "/new",
        [
          "new/ 755 0:0", "new/in = I 600 0:0", "new/link -> ../file 777 0:0", "new/sub/ 750 0:0",
          "new/sub/deep = D 644 0:0",
        ]
      ),
      (
        ["to-dir/"], "/new",
        [
          "new/ 755 0:0", "new/in = I 600 0:0", "new/link -> ../file 777 0:0", "new/sub/ 750 0:0",
          "new/sub/deep = D 644 0:0",
        ]
      ),
      (
        ["dir"], "/", ["in = I 600 0:0", "link -> ../file 777 0:0", "sub/ 750 0:0", "sub/deep = D 644 0:0"]
      ),
      (["dir/sub", "file"], "/n/", ["n/ 755 0:0", "n/deep = D 644 0:0", "n/file = F 644 0:0"]),
      (["*.txt"], "/n/", ["n/ 755 0:0", "n/more.txt = M 644 0:0", "n/other.txt = O 644 0:0"]),
      (["*.txt"], "/n", ["n/ 755 0:0", "n/more.txt = M 644 0:0", "n/other.txt = O 644 0:0"]),
      (["d*/s*"], "/n/", ["n/ 755 0:0", "n/deep = D 644 0:0"]),
      (["t?-file"], "/n/", ["n/ 755 0:0", "n/to-file = F 644 0:0"]),
      (["file", "missing*"], "/n/", ["n/ 755 0:0", "n/file = F 644 0:0"]),
      (["no*"], "/n/", []), (["no*", "nor*"], "/n/", []),
      (["[[]odd]"], "/n", ["n = odd 644 0:0"]),
      (["../../file"], "/n", ["n = F 644 0:0"]),
      (["dir/../file"], "/n", ["n = F 644 0:0"]),
      (["/file"], "/n", ["n = F 644 0:0"]),
      (["file", "dir/in", "file"], "/n/", ["n/ 755 0:0", "n/file = F 644 0:0", "n/in = I 600 0:0"]),
    ] as [([String], String, [String])])
  func places(sources: [String], destination: String, listing: [String]) throws {
    #expect(try copied(sources, to: destination, from: Self.context, into: Self.image).listing == listing)
  }

  @Test("gives owner and mode to all it makes, and to nothing that was there")
  func ownerAndMode() throws {
    let entries = try copied(
      ["dir"], to: "/tmp/n/", from: Self.context, into: Self.image, owner: (uid: 7, gid: 8), mode: "4711")
    #expect(
      try entries.listing == [
        "tmp/ 1777 0:0", "tmp/n/ 755 7:8", "tmp/n/in = I 4711 7:8", "tmp/n/link -> ../file 777 7:8",
        "tmp/n/sub/ 4711 7:8", "tmp/n/sub/deep = D 4711 7:8",
      ])
  }

  @Test("leaves out what --exclude matches")
  func excludes() throws {
    let entries = try copied(["dir"], to: "/n/", from: Self.context, excludes: ["**/deep", "link"])
    #expect(try entries.listing == ["n/ 755 0:0", "n/in = I 600 0:0", "n/sub/ 750 0:0"])
  }

  @Test(
    "leaves out of what it finds, and takes back in",
    arguments: [
      (["dir/sub/deep", "file", "other.txt"], ["*.txt", "deep"], ["n/ 755 0:0", "n/file = F 644 0:0"]),
      (["*.txt"], ["m*"], ["n/ 755 0:0", "n/other.txt = O 644 0:0"]),
      (["*.txt"], ["*.txt"], []),
      (["dir"], ["sub", "!sub/deep", "in", "link"], ["n/ 755 0:0", "n/sub/ 750 0:0", "n/sub/deep = D 644 0:0"]),
      (["dir"], ["*", "!in"], ["n/ 755 0:0", "n/in = I 600 0:0"]),
      (["dir"], ["dir/in", "**/nothing", "su*"], ["n/ 755 0:0", "n/in = I 600 0:0", "n/link -> ../file 777 0:0"]),
    ] as [([String], [String], [String])])
  func excludesAndTakesBack(sources: [String], excludes: [String], listing: [String]) throws {
    #expect(try copied(sources, to: "/n/", from: Self.context, excludes: excludes).listing == listing)
  }

  @Test(
    "keeps the directories above its sources with --parents, from the root or the pivot",
    arguments: [
      (["dir/sub/deep"], [], ["n/ 755 0:0", "n/dir/ 700 0:0", "n/dir/sub/ 750 0:0", "n/dir/sub/deep = D 644 0:0"]),
      (["./dir/./sub/deep"], [], ["n/ 755 0:0", "n/sub/ 750 0:0", "n/sub/deep = D 644 0:0"]),
      (["dir/sub/./deep"], [], ["n/ 755 0:0", "n/deep = D 644 0:0"]),
      (["to-dir/./in"], [], ["n/ 755 0:0", "n/in = I 600 0:0"]),
      (["d?r/./s*"], [], ["n/ 755 0:0", "n/sub/ 750 0:0", "n/sub/deep = D 644 0:0"]),
      (
        ["**/deep", "file"], [],
        [
          "n/ 755 0:0", "n/dir/ 700 0:0", "n/dir/sub/ 750 0:0", "n/dir/sub/deep = D 644 0:0", "n/file = F 644 0:0",
        ]
      ),
      (
        ["dir/"], ["dir/in", "**/link"],
        [
          "n/ 755 0:0", "n/dir/ 700 0:0", "n/dir/sub/ 750 0:0", "n/dir/sub/deep = D 644 0:0",
        ]
      ),
      (["to-file"], [], ["n/ 755 0:0", "n/to-file -> file 777 0:0"]),
      (["*.none", "../more.txt"], [], ["n/ 755 0:0", "n/more.txt = M 644 0:0"]),
    ] as [([String], [String], [String])])
  func parents(sources: [String], excludes: [String], listing: [String]) throws {
    #expect(
      try copied(sources, to: "/n/", from: Self.context, excludes: excludes, parents: true).listing == listing)
  }

  @Test("misses a source of --parents that is no pattern", arguments: ["dir/nothing", "to-dir/in", "nothing/./in"])
  func parentsMissing(source: String) throws {
    let failure = try #require(throws: Failure.self) {
      try copied([source], to: "/n/", from: Self.context, parents: true)
    }
    #expect(failure.reason == "copy-source-missing")
  }

  @Test("refuses names that layers keep for removals")
  func reservedNames() throws {
    let tree = RootTree(Entry.directory("d"), Entry.file("d/.wh.x"))
    let failure = try #require(throws: Failure.self) { try copied(["d"], to: "/n/", from: tree) }
    #expect(failure.reason == "copy-name-reserved")
    #expect(try copied(["d"], to: "/n/", from: tree, excludes: [".wh.*"]).listing == ["n/ 755 0:0"])
  }

  @Test("goes by the bytes of names that are no text, in patterns too")
  func rawPatterns() throws {
    let raw = FilePath("d").appending(FilePath(raw: [0x61, 0xFF, 0xFE]).components)
    let tree = RootTree(Entry.directory("d"), Entry.file(raw, "R"), Entry.file("d/abc", "A"))
    #expect(try copied(["d"], to: "/", from: tree, excludes: ["abc"]).map(\.tar.path.components.count) == [1])
    #expect(try copied(["d"], to: "/", from: tree, excludes: ["a*"]).isEmpty)
  }

  @Test(
    "says what is wrong",
    arguments: [
      (["nothing"], "/n", "copy-source-missing", "'nothing' is not in the build context"),
      (["dir/sub/deep/x"], "/n", "copy-source-missing", "'dir/sub/deep/x' is not in the build context"),
      (["file"], "/etc/passwd/", "copy-parent-not-directory", "'/etc/passwd' is in the way"),
      (["file"], "/etc/passwd/x", "copy-parent-not-directory", "'/etc/passwd' is in the way"),
      (["dir"], "/etc/passwd", "copy-parent-not-directory", "'/etc/passwd' is in the way"),
    ] as [([String], String, String, String)])
  func failures(sources: [String], destination: String, reason: String, text: String) throws {
    let failure = try #require(throws: Failure.self) {
      try copied(sources, to: destination, from: Self.context, into: Self.image)
    }
    #expect(failure.reason == reason)
    #expect(failure.message.contains(text), "\(failure.message)")
  }

  @Test(
    "never puts a file in a directory's place, nor a directory in another file's",
    arguments: [
      ([Entry.file("etc", "x")], "'/etc' is a directory, where a file is to be copied"),
      ([Entry.symlink("usr", "x")], "'/usr' is a directory, where a file is to be copied"),
      (
        [Entry.directory("bin"), Entry.file("bin/x")],
        "'/bin' is a link to 'usr/bin', where a directory is to be copied"
      ),
      (
        [Entry.directory("etc"), Entry.directory("etc/passwd")],
        "'/etc/passwd' is a file, where a directory is to be copied"
      ),
    ] as [([LayerEntry], String)])
  func inTheWay(context: [LayerEntry], message: String) throws {
    let failure = try #require(throws: Failure.self) {
      try copied(["."], to: "/", from: RootTree(layers: [VirtualLayer(context)]), into: Self.image)
    }
    #expect(failure.reason == "copy-in-the-way")
    #expect(failure.message == message)
  }

  @Test("notices a file and a directory of the same name among its own sources")
  func ownConflict() throws {
    let tree = RootTree(
      Entry.directory("a"), Entry.directory("a/x"), Entry.file("a/x/in"), Entry.directory("b"), Entry.file("b/x"))
    for sources in [["a", "b"], ["b", "a"]] {
      let failure = try #require(throws: Failure.self) { try copied(sources, to: "/n/", from: tree) }
      #expect(failure.reason == "copy-in-the-way")
    }
  }

  @Test("says that .dockerignore is why a file is missing")
  func ignored() throws {
    let failure = try #require(throws: Failure.self) {
      try copied(["/secret/"], to: "/n", from: Self.context, ignored: ["secret"])
    }
    #expect(failure.hint == "it is there, but .dockerignore excludes it")
  }

  @Test("keeps hard links, the first name in the layer carrying the bytes")
  func hardLinks() throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let tree = [
      Entry.directory("d"), Entry.directory("d/a"), Entry.file("d/z", "linked"), Entry.link("d/a/x", "d/z"),
      Entry.link("d/b", "d/z"),
    ]
    let expected = [
      "n/ 755 0:0", "n/a/ 755 0:0", "n/a/x = linked 644 0:0", "n/b => n/a/x 644 0:0", "n/z => n/a/x 644 0:0",
    ]
    for layer: any LayerView in [VirtualLayer(tree), try DiskLayer(tree, in: folder, "disk")] {
      let once = try copied(["d"], to: "/n/", from: RootTree(layers: [layer]))
      #expect(try once.listing == expected)
      // Copied from the copy, which is an index only.
      let twice = try copied(["n"], to: "/n/", from: RootTree(layers: [VirtualLayer(once)]))
      #expect(try twice.listing == expected)
      let alone = try copied(["n/z"], to: "/alone", from: RootTree(layers: [VirtualLayer(once)]))
      #expect(try alone.listing == ["alone = linked 644 0:0"])
    }
  }

  @Test("keeps the bytes of a hard link whose other name is overwritten")
  func overwrittenLink() throws {
    let tree = RootTree(
      Entry.directory("d"), Entry.file("d/a", "linked"), Entry.link("d/b", "d/a"), Entry.directory("e"),
      Entry.file("e/a", "new"))
    #expect(
      try copied(["d", "e"], to: "/n/", from: tree).listing
        == ["n/ 755 0:0", "n/a = new 644 0:0", "n/b = linked 644 0:0"])
  }

  @Test("keeps names that are no text, and long ones")
  func rawNames() throws {
    let (raw, long) = (FilePath(raw: [0x61, 0xFF]), FilePath(String(repeating: "l", count: 255)))
    let tree = RootTree(
      Entry.directory("d"), Entry.file(FilePath("d").appending(raw.components), "R"),
      Entry.file(FilePath("d").appending(long.components), "L"))
    for sources in [["d"], ["d/*"]] {
      let entries = try copied(sources, to: "/", from: tree)
      #expect(entries.map(\.tar.path) == [raw, long])
    }
  }
}
