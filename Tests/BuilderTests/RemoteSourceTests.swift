import Archive
import Diagnostics
import OCI
import Storage
import SystemPackage
import TestSupport
import Testing

@testable import Builder

/// Files and repositories of a made-up network.
struct FakeRemotes: RemoteFiles, RemoteTrees {
  var texts: [String: String] = [:]
  var lastModified: FileTime?
  var tree: RemoteTree?

  func fetch(_ order: RemoteFileOrder, into target: FilePath) async throws(Failure) -> RemoteFile {
    guard let text = texts[order.url] else {
      throw Failure(.notFound, reason: "fake-missing", "no '\(order.url)'")
    }
    try FileSystem.write(text, to: target)
    let bytes = Array(text.utf8)
    return RemoteFile(
      size: ByteCount(Int64(bytes.count)), digest: Digest(sha256Of: bytes), lastModified: lastModified)
  }

  func fetch(
    _ order: RemoteTreeOrder, for organization: OrganizationName, watch: @escaping TransferMeter.Watch
  ) async throws(Failure) -> RemoteTree {
    guard let tree else { throw Failure(.notFound, reason: "fake-missing", "no '\(order.source)'") }
    return tree
  }
}

@Suite("ADD of remote sources")
struct RemoteSourceTests {
  /// What the first ADD of a Dockerfile makes of the fake network.
  static func added(_ line: String, _ remotes: FakeRemotes) async throws -> [LayerEntry] {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let scratch = try ScratchFolder(FilePath(folder.path("scratch")))
    let step = try #require(try await plan("FROM scratch\n" + line).stages.first?.steps.first)
    guard case .copy(let action) = step.action else { throw Tool.Missing(name: "copy") }
    let fetched = try await FetchedSources(
      action, files: remotes, trees: remotes, organization: try OrganizationName("dev"), scratch: scratch)
    let root = RootTree(Entry.directory("tmp", mode: 0o1777))
    let destination = try CopyDestination(action, root: root, owner: nil, now: 9)
    let context = RootTree(Entry.file("local", "L"))
    return try CopySources(
      action: action, tree: context, isIgnored: { _ in false }, destination: destination, scratch: scratch,
      fetched: fetched
    ).entries().map { entry in
      // Read now: the folder goes with this function.
      var entry = entry
      if let reader = try entry.body.reader() { entry.body = .bytes(try reader.contents(limit: .mebibytes(1))) }
      return entry
    }
  }

  static let digest = Digest(sha256Of: Array("text".utf8))

  @Test(
    "puts a file where it belongs, readable by root alone",
    arguments: [
      ("ADD http://host/a/name.txt?x=1 /n", ["n = text 600 0:0"]),
      ("ADD http://host/a/name.txt?x=1 /n/", ["n/ 755 0:0", "n/name.txt = text 600 0:0"]),
      ("ADD http://host/a/name.txt?x=1 /tmp", ["tmp/ 1777 0:0", "tmp/name.txt = text 600 0:0"]),
      ("ADD http://host/a/name.txt?x=1 /", ["name.txt = text 600 0:0"]),
      ("ADD --chmod=go+r http://host/a/name.txt?x=1 /n", ["n = text 644 0:0"]),
      (
        "ADD http://host/a/name.txt?x=1 local /n/",
        [
          "n/ 755 0:0", "n/local = L 644 0:0", "n/name.txt = text 600 0:0",
        ]
      ),
      ("ADD --checksum=\(Self.digest) http://host/a/name.txt?x=1 /n", ["n = text 600 0:0"]),
      ("ADD HTTP://host/ /n", ["n = root 600 0:0"]),
      ("ADD http://host/%61%20b /n/", ["n/ 755 0:0", "n/a b = spaced 600 0:0"]),
    ] as [(String, [String])])
  func files(line: String, listing: [String]) async throws {
    let remotes = FakeRemotes(
      texts: ["http://host/a/name.txt?x=1": "text", "HTTP://host/": "root", "http://host/%61%20b": "spaced"])
    #expect(try await Self.added(line, remotes).listing == listing)
  }

  @Test("gives a file the time its server says, or 1970")
  func times() async throws {
    var remotes = FakeRemotes(texts: ["http://host/f": "text"])
    #expect(try await Self.added("ADD http://host/f /", remotes).map(\.tar.mtime.seconds) == [0])
    remotes.lastModified = FileTime(seconds: 77)
    #expect(try await Self.added("ADD http://host/f /", remotes).map(\.tar.mtime.seconds) == [77])
  }

  @Test("unpacks an archive only when it is asked to")
  func unpacking() async throws {
    let writer = BytesWriter()
    let tar = TarWriter(into: writer)
    try tar.append(TarEntry(path: "in", kind: .file, mode: 0o640, uid: 3, size: 1), body: BytesReader([0x49]))
    try tar.finish()
    let remotes = FakeRemotes(texts: ["http://host/x.tar": String(decoding: writer.bytes, as: UTF8.self)])
    let kept = try await Self.added("ADD http://host/x.tar /d/", remotes)
    #expect(kept.map(\.tar.path) == ["d", "d/x.tar"])
    let unpacked = try await Self.added("ADD --unpack=true http://host/x.tar /d/", remotes)
    let listing = try unpacked.listing
    #expect(listing == ["d/ 755 0:0", "d/in = I 640 3:0"])
  }

  @Test("names both sums when they differ, and no password")
  func mismatch() async throws {
    let url = "http://me:secret@host/f?token=1"
    let remotes = FakeRemotes(texts: [url: "other"])
    let failure = try #require(
      await #expect(throws: Failure.self) {
        _ = try await Self.added("ADD --checksum=\(Self.digest) \(url) /", remotes)
      })
    #expect(failure.reason == "add-checksum-mismatch")
    let got = Digest(sha256Of: Array("other".utf8))
    #expect(failure.message == "'http://host/f?…' is '\(got)', where --checksum says '\(Self.digest)'")
  }

  @Test("knows SHA-512 sums too")
  func longSums() async throws {
    let running = RunningDigest(.sha512)
    running.update("text".utf8)
    let remotes = FakeRemotes(texts: ["http://host/f": "text"])
    let entries = try await Self.added("ADD --checksum=\(running.digest()) http://host/f /", remotes)
    #expect(entries.count == 1)
  }

  @Test("wants a name for a URL that has none and a directory to go to")
  func nameless() async throws {
    let failure = try #require(
      await #expect(throws: Failure.self) {
        _ = try await Self.added("ADD http://host/ /n/", FakeRemotes(texts: ["http://host/": "x"]))
      })
    #expect(failure.reason == "url-without-name")
  }

  static func repository(in folder: TemporaryFolder) throws -> RemoteTree {
    try folder.write("READ", to: "bodies")
    let entries = [
      IndexedEntry(entry: TarEntry(path: "src", kind: .directory, mode: 0o755), bodyOffset: 0, contentDigest: nil),
      IndexedEntry(
        entry: TarEntry(path: "src/run", kind: .file, mode: 0o755, size: 2, mtime: FileTime(seconds: 5)),
        bodyOffset: 2, contentDigest: Digest(sha256Of: Array("AD".utf8))),
      IndexedEntry(
        entry: TarEntry(path: "me", kind: .file, mode: 0o644, uid: 7, size: 1), bodyOffset: 0,
        contentDigest: Digest(sha256Of: Array("R".utf8))),
    ]
    let index = ArchiveIndex(files: [FilePath(folder.path("bodies"))], entries: entries, totalBytes: ByteCount(3))
    return RemoteTree(commit: String(repeating: "ab", count: 20), index: index)
  }

  @Test("puts a repository's files into the destination")
  func repository() async throws {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let remotes = FakeRemotes(tree: try Self.repository(in: folder))
    for flags in ["", "--checksum=abababa ", "--checksum=\(String(repeating: "AB", count: 20)) "] {
      #expect(
        try await Self.added("ADD \(flags)https://host/x.git#main /n", remotes).listing
          == ["n/ 755 0:0", "n/me = R 644 0:0", "n/src/ 755 0:0", "n/src/run = AD 755 0:0"])
    }
    #expect(
      try await Self.added("ADD --exclude=src --chmod=600 git@host:x /", remotes).listing == ["me = R 600 0:0"])
    let failure = try #require(
      await #expect(throws: Failure.self) {
        _ = try await Self.added("ADD --checksum=1234567 https://u:p@host/x.git /", remotes)
      })
    #expect(failure.reason == "add-checksum-mismatch")
    #expect(failure.message.hasPrefix("'https://host/x.git' is 'abab"))
  }

  @Test(
    "tells remote sources from paths",
    arguments: [
      ("https://host/x", RemoteSource.url), ("https://host/x.git", .git), ("http://h/x.git#v1:dir", .git),
      ("https://h/x.git?ref=v1", .git), ("https://h/x.git/tree", .url), ("git://h/x", .git), ("git@h:x/y", .git),
      ("ssh://git@h/x", .git), ("x.git", nil), ("./https://h", nil), ("file:///x", nil), ("gitlab", nil),
    ] as [(String, RemoteSource?)])
  func kinds(word: String, kind: RemoteSource?) { #expect(RemoteSource(word) == kind) }

  @Test("is refused by a builder that has no network")
  func none() async throws {
    let none = NoRemoteSources()
    let order = RemoteFileOrder(url: "https://a:b@host/x", organization: try OrganizationName("dev"))
    let failure = try #require(
      await #expect(throws: Failure.self) { _ = try await none.fetch(order, into: "/nowhere") })
    #expect(failure.reason == "add-remote-unavailable")
    #expect(failure.message == "ADD of 'https://host/x' is not available here")
  }
}
