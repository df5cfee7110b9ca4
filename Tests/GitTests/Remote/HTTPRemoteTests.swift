import Diagnostics
import Foundation
import Outbound
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import Git

@Suite("Fetching from git http-backend")
struct HTTPRemoteTests {
  private func withRemote(
    format: ObjectID.Format = .sha1, settings: [String] = [], version: String? = nil, login: String? = nil,
    credentials: GitCredentials? = nil, path: String = "/site.git", limits: GitLimits = GitLimits(),
    _ body: (HTTPRemote, ServedRepository, ScriptedServer) async throws -> Void
  ) async throws {
    let repository = try await ServedRepository(format: format, settings: settings)
    defer { repository.remove() }
    let server = try ScriptedServer(root: repository.root, login: login, version: version)
    let client = OutboundClient(policy: OutboundPolicy(), environment: [:])
    let remote = try HTTPRemote(
      address: try GitAddress(parsing: server.url + path), credentials: credentials, client: client,
      limits: limits)
    let result = await Result { try await body(remote, repository, server) }
    await client.shutdown()
    await server.stop()
    try result.get()
  }

  @Test("every version lists branches, tags and what HEAD is", arguments: [0, 1, 2])
  func references(version: Int) async throws {
    try await withRemote(version: "version=\(version)") { remote, repository, _ in
      #expect(try await remote.abilities().protocolVersion == version)
      let references = try await remote.references(prefixes: ["HEAD", "refs/heads/", "refs/tags/v"])
      #expect(Set(references.map(\.name)) == ["HEAD", "refs/heads/main", "refs/heads/side", "refs/tags/v1"])
      #expect(references.first { $0.name == "HEAD" }?.symbolicTarget == "refs/heads/main")
      #expect(references.first { $0.name == "refs/tags/v1" }?.peeled?.hex == repository.second)
      #expect(try await remote.references(prefixes: ["refs/heads/si"]).map(\.name) == ["refs/heads/side"])
    }
  }

  @Test(
    "every version finds what is asked for by its name, though there is no room for the list", arguments: [0, 1, 2])
  func crowded(version: Int) async throws {
    var limits = GitLimits()
    limits.heldReferences = ByteCount(1)
    try await withRemote(version: "version=\(version)", limits: limits) { remote, repository, _ in
      let tag = try await remote.references(prefixes: ["refs/tags/v1"])
      #expect(tag.map { $0.peeled?.hex } == [repository.second])
      #expect(try await remote.references(prefixes: ["refs/heads/side"]).map(\.name) == ["refs/heads/side"])
    }
  }

  @Test("every version brings one commit without its history", arguments: [0, 1, 2], [ObjectID.Format.sha1, .sha256])
  func shallow(version: Int, format: ObjectID.Format) async throws {
    try await withRemote(format: format, version: "version=\(version)") { remote, repository, _ in
      let want = try #require(ObjectID(hex: repository.second))
      let pack = PackFile()
      let seen = Mutex<[GitProgress]>([])
      let shallow = try await remote.fetch(FetchRequest(wants: [want]), bases: NoObjects(), into: pack) { progress in
        seen.withLock { $0.append(progress) }
      }
      #expect(shallow == [want])
      #expect(pack.isEnded)
      let objects = try await pack.objects(format: format)
      #expect(objects[repository.second] == "commit")
      #expect(objects[repository.first] == nil)
      #expect(objects.values.sorted() == ["blob", "blob", "commit", "tree", "tree"])
      #expect(seen.withLock { $0.contains { $0.remote?.contains("objects") == true } })
      #expect(seen.withLock { $0.last?.bytes.bytes ?? 0 } > Int64(pack.bytes.count))
    }
  }

  @Test("contents are left out and asked for by name", arguments: [0, 2])
  func partial(version: Int) async throws {
    let settings = ["uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"]
    try await withRemote(settings: settings, version: "version=\(version)") { remote, repository, _ in
      #expect(try await remote.abilities().filters)
      #expect(try await remote.abilities().anyWant)
      let want = try #require(ObjectID(hex: repository.second))
      let trees = PackFile()
      _ = try await remote.fetch(
        FetchRequest(wants: [want], filter: .noBlobs), bases: NoObjects(), into: trees
      ) { _ in }
      #expect(try await trees.objects().values.sorted() == ["commit", "tree", "tree"])
      let git = try Tool("git")
      let blob = try await git.run(["rev-parse", "HEAD:web/b.txt"], in: repository.folder.path("site.git")).lines[0]
      let contents = PackFile()
      let request = FetchRequest(wants: [try #require(ObjectID(hex: blob))], depth: nil)
      _ = try await remote.fetch(request, bases: NoObjects(), into: contents) { _ in }
      #expect(try await contents.objects() == [blob: "blob"])
    }
  }

  @Test("what is at hand is not sent again", arguments: [0, 2])
  func incremental(version: Int) async throws {
    try await withRemote(version: "version=\(version)") { remote, repository, _ in
      let want = try #require(ObjectID(hex: repository.second))
      let have = try #require(ObjectID(hex: repository.first))
      let pack = PackFile()
      let request = FetchRequest(wants: [want], haves: [have], shallow: [have])
      _ = try await remote.fetch(request, bases: NoObjects(), into: pack) { _ in }
      // A commit, its root and the one file that changed: number of objects in the pack's header.
      #expect(pack.bytes[8..<12] == [0, 0, 0, 3])
    }
  }

  @Test("an object the server does not give away by name is told apart", arguments: [0, 2])
  func refused(version: Int) async throws {
    try await withRemote(version: "version=\(version)") { remote, repository, _ in
      let want = try #require(ObjectID(hex: String(repeating: "5", count: repository.second.count)))
      let failure = await #expect(throws: Failure.self) {
        _ = try await remote.fetch(FetchRequest(wants: [want]), bases: NoObjects(), into: PackFile()) { _ in }
      }
      #expect(failure?.reason == "git-want-refused")
    }
  }

  @Test("credentials are given when they are asked for, and not before")
  func login() async throws {
    let credentials = GitCredentials(username: "me", password: "s3cret")
    try await withRemote(login: "me:s3cret", credentials: credentials) { remote, repository, server in
      let want = try #require(ObjectID(hex: repository.second))
      _ = try await remote.fetch(FetchRequest(wants: [want]), bases: NoObjects(), into: PackFile()) { _ in }
      #expect(try server.requests().map { $0.authorization != nil } == [false, true, true])
    }
    try await withRemote(credentials: credentials) { remote, _, server in
      _ = try await remote.references(prefixes: [])
      #expect(try server.requests().allSatisfy { $0.authorization == nil })
    }
  }

  @Test("a request for many objects is packed, and understood", arguments: [0, 2])
  func packed(version: Int) async throws {
    try await withRemote(version: "version=\(version)") { remote, repository, _ in
      let want = try #require(ObjectID(hex: repository.second))
      let pack = PackFile()
      let request = FetchRequest(wants: [ObjectID](repeating: want, count: 2000))
      _ = try await remote.fetch(request, bases: NoObjects(), into: pack) { _ in }
      #expect(try await pack.objects().count == 5)
    }
  }

  @Test("what a pack brings is what git has", arguments: [ObjectID.Format.sha1, .sha256])
  func intake(format: ObjectID.Format) async throws {
    try await withRemote(format: format) { remote, repository, _ in
      let want = try #require(ObjectID(hex: repository.second))
      try await withTemporaryFolder { folder in
        let writer = try ObjectFileWriter(path: FilePath(folder.path("objects")), format: format)
        let intake = try PackIntake(writer: writer)
        _ = try await remote.fetch(FetchRequest(wants: [want]), bases: NoObjects(), into: intake) { _ in }
        let listed = try await Tool("git").run(
          ["ls-tree", "-rt", repository.second], in: repository.folder.path("site.git"))
        let names = listed.lines.compactMap { $0.split(whereSeparator: \.isWhitespace).dropFirst(2).first }
        #expect(names.count == 3)
        for name in names { #expect(writer.find(try #require(ObjectID(hex: name))) != nil) }
        #expect(writer.find(want)?.kind == .commit)
        #expect(intake.objectCount == 5)
      }
    }
  }

  @Test("missing and wrong credentials, and missing repositories, are told apart")
  func doors() async throws {
    let wrong = GitCredentials(username: "me", password: "wr0ng")
    try await withRemote(login: "me:s3cret") { remote, _, _ in
      let failure = await #expect(throws: Failure.self) { _ = try await remote.abilities() }
      #expect(failure?.reason == "git-auth-required")
    }
    try await withRemote(login: "me:s3cret", credentials: wrong) { remote, _, server in
      let failure = await #expect(throws: Failure.self) { _ = try await remote.abilities() }
      #expect(failure?.reason == "git-auth-refused")
      #expect(failure?.description.contains("wr0ng") == false)
      let asked = try server.requests()
      #expect(asked.count == 2)
    }
    try await withRemote(path: "/other.git") { remote, _, _ in
      let failure = await #expect(throws: Failure.self) { _ = try await remote.abilities() }
      #expect(failure?.reason == "git-repository-not-found")
    }
  }
}

extension Result where Failure == any Error {
  /// What an asynchronous body came to.
  init(_ body: () async throws -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}
