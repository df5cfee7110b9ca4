import Diagnostics
import Testing

@testable import Git

@Suite("commits, tags and trees")
struct ObjectParsingTests {
  private static let id = ObjectID(hex: String(repeating: "ab", count: 20))
  private static let hex = String(repeating: "12", count: 20)

  private static func refusal(_ body: () throws(Failure) -> Void) -> Failure? {
    do throws(Failure) {
      try body()
      return nil
    } catch { return error }
  }

  @Test("a commit says its tree, parents and time")
  func commit() throws {
    let text =
      "tree \(Self.hex)\nparent \(Self.hex)\nparent \(Self.hex)\nauthor A <a@b> 1 +0000\n"
      + "committer A B <a@b> 1700000000 -0130\ngpgsig x\n y\n\nmessage\ntree no\n"
    let commit = try Commit(Array(text.utf8), id: try #require(Self.id))
    #expect(commit.tree.hex == Self.hex)
    #expect(commit.parents.count == 2)
    #expect(commit.committerTime == Timestamp(milliseconds: 1_700_000_000_000))
  }

  @Test(
    "a commit without a tree, an author or a committer is refused",
    arguments: [
      "", "tree", "tree \n", "tree 12\nauthor a\ncommitter b\n", "author a\ncommitter b\n",
      "tree \(hex)\nparent 12\nauthor a\ncommitter b\n", "tree \(hex)\ncommitter b\n", "tree \(hex)\nauthor a\n",
      "tree \(hex)\(hex.prefix(24))\nauthor a\ncommitter b\n",
    ])
  func brokenCommit(_ text: String) throws {
    let id = try #require(Self.id)
    let failure = Self.refusal { () throws(Failure) in _ = try Commit(Array(text.utf8), id: id) }
    #expect(failure?.reason == "git-object-corrupt")
    #expect(failure?.message.contains(id.hex) == true)
  }

  @Test(
    "a commit's unreadable time is the beginning of time",
    arguments: ["x", "A <a@b>", "A <a@b> -5 +0000", "A <a> 9999999999999999 +0"])
  func time(_ committer: String) throws {
    let text = "tree \(Self.hex)\nauthor a\ncommitter \(committer)\n\n"
    #expect(try Commit(Array(text.utf8), id: try #require(Self.id)).committerTime.milliseconds == 0)
  }

  @Test("a tag says what it names")
  func tag() throws {
    let id = try #require(Self.id)
    let tag = try Tag(Array("object \(Self.hex)\ntype tree\ntag v1\n\nx".utf8), id: id)
    #expect(tag.object.hex == Self.hex)
    #expect(tag.kind == .tree)
    for text in ["", "object 12\ntype tree\n", "object \(Self.hex)\ntype folder\n", "type tree\nobject \(Self.hex)\n"] {
      let failure = Self.refusal { () throws(Failure) in _ = try Tag(Array(text.utf8), id: id) }
      #expect(failure?.reason == "git-object-corrupt")
    }
  }

  private static func entry(_ mode: String, _ name: [UInt8]) -> [UInt8] {
    Array("\(mode) ".utf8) + name + [0] + [UInt8](repeating: 7, count: 20)
  }

  @Test("a tree gives its entries in order, names as bytes")
  func tree() throws {
    let content =
      Self.entry("100644", [0x61]) + Self.entry("100755", [0xFF, 0xFE]) + Self.entry("120000", [0x62])
      + Self.entry("40000", [0x2E, 0x67]) + Self.entry("160000", [0x63]) + Self.entry("100664", [0x64])
    var reader = TreeReader(content, id: try #require(Self.id))
    var entries: [TreeEntry] = []
    while let entry = try reader.next() { entries.append(entry) }
    #expect(entries.map(\.mode) == [.file, .executable, .link, .directory, .submodule, .file])
    #expect(entries.map(\.name) == [[0x61], [0xFF, 0xFE], [0x62], [0x2E, 0x67], [0x63], [0x64]])
  }

  @Test("a tree with anything else is refused")
  func brokenTree() throws {
    let good = Self.entry("100644", [0x61])
    let broken: [[UInt8]] = [
      Self.entry("040000", [0x61]), Self.entry("100600", [0x61]), Self.entry("20000", [0x61]), Self.entry("", [0x61]),
      Self.entry("1006440", [0x61]), Self.entry("10064x", [0x61]), Self.entry("100644", []),
      Self.entry("100644", Array("a/b".utf8)), good.dropLast(), Array(good.prefix(7)), Array(good.prefix(8)), [0x31],
      [0x20],
      good + [0],
    ]
    let id = try #require(Self.id)
    for content in broken {
      let failure = Self.refusal { () throws(Failure) in
        var reader = TreeReader(content, id: id)
        while try reader.next() != nil {}
      }
      #expect(failure?.reason == "git-object-corrupt", "\(content)")
    }
  }
}
