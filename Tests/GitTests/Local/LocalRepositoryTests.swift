import Diagnostics
import Foundation
import SystemPackage
import TestSupport
import Testing

@testable import Git

@Suite("repositories in folders")
struct LocalRepositoryTests {
  private func history(_ folder: TemporaryFolder, format: String = "sha1") async throws -> GitFixture {
    let git = try GitFixture(folder)
    try await git.run("init", "-q", "-b", "trunk", "--object-format=\(format)")
    for version in 1...5 {
      try folder.write(
        (1...2000).map { "line \($0) \($0 == version * 9 ? "!" : "")" }.joined(separator: "\n"), to: "a/b/text")
      try folder.write("\(version)", to: "a/number", executable: true)
      try await git.run("add", "-A")
      try await git.run("commit", "-qm", "version \(version)")
    }
    try await git.run("tag", "-am", "x", "v1", "HEAD~4")
    try await git.run("tag", "light", "HEAD~1")
    return git
  }

  /// Everything a fetch brought, as git lists it.
  private func fetch(
    _ repository: LocalRepository, _ request: FetchRequest, to path: FilePath, bases: any ObjectSource = NoObjects()
  ) async throws -> (file: ObjectFile, shallow: [ObjectID]) {
    let format = try await repository.abilities().format
    let writer = try ObjectFileWriter(path: path, format: format)
    let intake = try PackIntake(writer: writer)
    let shallow = try await repository.fetch(request, bases: bases, into: intake) { _ in }
    try writer.finish()
    return (try ObjectFile(path: path), shallow)
  }

  private func name(_ git: GitFixture, _ revision: String) async throws -> ObjectID {
    try #require(
      ObjectID(hex: try await git.run("rev-parse", revision).trimmingCharacters(in: .whitespacesAndNewlines)))
  }

  private func listed(_ git: GitFixture, _ arguments: [String]) async throws -> Set<String> {
    let lines = try await git.run("rev-list", "--objects", "--no-object-names", arguments[0]).split(separator: "\n")
    return Set(lines.map(String.init))
  }

  private func names(_ file: ObjectFile) -> Set<String> {
    Set((0..<file.count).compactMap { file.object(at: $0)?.id.hex })
  }

  @Test(
    "give all of history, loose and packed, with either index, either delta, either hash",
    arguments: [
      ("sha1", []), ("sha1", ["repack", "-adq"]), ("sha1", ["-c", "pack.indexVersion=1", "repack", "-adq"]),
      ("sha1", ["-c", "repack.usedeltabaseoffset=false", "repack", "-adfq"]), ("sha256", []),
      ("sha256", ["repack", "-adq"]),
    ])
  func whole(_ format: String, _ pack: [String]) async throws {
    try await withTemporaryFolder { folder in
      let git = try await history(folder, format: format)
      if !pack.isEmpty {
        let result = try await git.git.run(pack, in: folder.path)
        #expect(result.status == 0, "\(result.all)")
      }
      let repository = try LocalRepository(path: git.path)
      let references = try await repository.references(prefixes: [])
      let tag = try #require(references.first { $0.name == "refs/tags/v1" })
      let head = try #require(references.first { $0.name == "HEAD" })
      #expect(head.symbolicTarget == "refs/heads/trunk")
      #expect(try await tag.peeled == name(git, "v1^{commit}"))
      #expect(references.first { $0.name == "refs/tags/light" }?.peeled == nil)
      let request = FetchRequest(wants: [head.id, tag.id], depth: nil)
      let (file, shallow) = try await fetch(repository, request, to: git.path.appending("objects"))
      #expect(shallow.isEmpty)
      #expect(try await Intake.list(file) == git.objects())
    }
  }

  @Test("give one commit and no more at depth 1, without files or folders where asked")
  func shallow() async throws {
    try await withTemporaryFolder { folder in
      let git = try await history(folder)
      try await git.run("repack", "-adq")
      let repository = try LocalRepository(path: git.path.appending(".git"))
      let head = try await name(git, "HEAD")
      let (one, shallow) = try await fetch(repository, FetchRequest(wants: [head]), to: git.path.appending("one"))
      #expect(shallow == [head])
      #expect(one.count == 6)
      let (noFiles, _) = try await fetch(
        repository, FetchRequest(wants: [head], filter: .noBlobs), to: git.path.appending("two"))
      #expect(noFiles.count == 4)
      let (commits, old) = try await fetch(
        repository, FetchRequest(wants: [head], depth: 3, filter: .noTrees), to: git.path.appending("three"))
      #expect(commits.count == 3)
      #expect(try await old == [name(git, "HEAD~2")])
      let wants = [try await name(git, "HEAD:a/number"), try await name(git, "HEAD:a/b")]
      let (parts, _) = try await fetch(
        repository, FetchRequest(wants: wants, depth: nil), to: git.path.appending("four"))
      #expect(parts.count == 3)
    }
  }

  @Test("give of a child commit only what is new")
  func child() async throws {
    try await withTemporaryFolder { folder in
      let git = try await history(folder)
      let repository = try LocalRepository(path: git.path)
      let (old, new) = (try await name(git, "HEAD~1"), try await name(git, "HEAD"))
      let (first, _) = try await fetch(repository, FetchRequest(wants: [old]), to: git.path.appending("first"))
      let request = FetchRequest(wants: [new], haves: [old], shallow: [old], depth: 1)
      let (second, _) = try await fetch(repository, request, to: git.path.appending("second"), bases: first)
      #expect(second.count == 6)
      #expect(names(first).isDisjoint(with: names(second)))
    }
  }

  @Test("give deltas of files too large for memory, and so do packs")
  func largeDeltas() async throws {
    try await withTemporaryFolder { folder in
      let git = try GitFixture(folder)
      try await git.run("init", "-q", "-b", "main")
      // Each version changes other lines of the one before, so that the deltas make a chain.
      for version in 1...3 {
        let lines = (1...600_000).map { "line \($0)\((1...version).contains($0 % 997) ? " changed" : "")" }
        try folder.write(lines.joined(separator: "\n"), to: "large")
        try await git.run("add", "-A")
        try await git.run("commit", "-qm", "version \(version)")
      }
      try await git.run("repack", "-adfq")
      let index = try FileManager.default.contentsOfDirectory(atPath: folder.path(".git/objects/pack"))
        .first { $0.hasSuffix(".idx") }
      let chains = try await git.run("verify-pack", "-s", folder.path(".git/objects/pack/\(try #require(index))"))
      #expect(chains.contains("chain length = 2"))
      let repository = try LocalRepository(path: git.path)
      let head = try await name(git, "HEAD")
      let (local, _) = try await fetch(
        repository, FetchRequest(wants: [head], depth: nil), to: git.path.appending("one"))
      #expect(try await Intake.list(local) == git.objects())
      let packed = try Intake.take(try await git.pack("", ["--delta-base-offset"]), to: git.path.appending("two"))
      #expect(try await Intake.list(packed) == git.objects())
    }
  }

  @Test("may be linked work trees, and borrow from others of the same owner")
  func linked() async throws {
    try await withTemporaryFolder { folder in
      let git = try await history(folder)
      try await git.run("worktree", "add", "-q", "-b", "side", folder.path("side"), "HEAD~2")
      let side = try LocalRepository(path: FilePath(folder.path("side")))
      let head = try #require(try await side.references(prefixes: ["HEAD"]).first)
      #expect(head.symbolicTarget == "refs/heads/side")
      #expect(try await head.id == name(git, "HEAD~2"))
      try await git.run("clone", "-q", "--shared", "--bare", ".", "borrower")
      let borrower = try LocalRepository(path: FilePath(folder.path("borrower")))
      let (file, _) = try await fetch(borrower, FetchRequest(wants: [head.id]), to: git.path.appending("objects"))
      #expect(file.count == 6)
    }
  }

  /// How a repository is made dangerous or unreadable, and how it is refused.
  struct Trouble: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var reason: String
    var script: String
  }

  @Test(
    "are refused where they are not safe or not understood",
    arguments: [
      Trouble(testDescription: "nothing there", reason: "git-repository-unknown", script: "rm -rf .git"),
      Trouble(testDescription: "no HEAD", reason: "git-repository-unknown", script: "rm .git/HEAD"),
      Trouble(
        testDescription: "reftable", reason: "git-repository-unsupported",
        script: "git config core.repositoryformatversion 1; git config extensions.refStorage reftable"),
      Trouble(
        testDescription: "partial clone", reason: "git-repository-unsupported",
        script: "git config remote.origin.promisor true"),
      Trouble(
        testDescription: "unknown extension", reason: "git-repository-unsupported",
        script: "git config core.repositoryformatversion 1; git config extensions.future yes"),
      Trouble(
        testDescription: "version 2", reason: "git-repository-unsupported",
        script: "git config core.repositoryformatversion 2"),
      Trouble(
        testDescription: "objects as a link", reason: "git-repository-unsafe",
        script: "mv .git/objects elsewhere; ln -s ../elsewhere .git/objects"),
      Trouble(
        testDescription: "packs as a link", reason: "git-repository-unsafe",
        script: "mv .git/objects/pack elsewhere; ln -s ../../elsewhere .git/objects/pack"),
      Trouble(
        testDescription: "a folder of objects as a link", reason: "git-repository-unsafe",
        script:
          "d=$(git rev-parse HEAD | cut -c1-2); mv .git/objects/$d elsewhere; ln -s ../../elsewhere .git/objects/$d"),
      Trouble(
        testDescription: "an object as a link", reason: "git-repository-unsafe",
        script: """
          h=$(git rev-parse HEAD); f=.git/objects/$(echo $h | cut -c1-2)/$(echo $h | cut -c3-)
          mv $f elsewhere; ln -s "$PWD/elsewhere" $f
          """),
      Trouble(
        testDescription: ".git as a link", reason: "git-repository-unsafe", script: "mv .git moved; ln -s moved .git"),
      Trouble(
        testDescription: "somebody else's", reason: "git-repository-owner", script: "chown 4242 .git"),
      Trouble(
        testDescription: "alternates of somebody else", reason: "git-repository-owner",
        script: "mkdir other; chown 4242 other; echo \"$PWD/other\" > .git/objects/info/alternates"),
      Trouble(
        testDescription: "alternates that lead nowhere", reason: "file-not-found",
        script: "echo /nowhere/at/all > .git/objects/info/alternates"),
      Trouble(
        testDescription: "an object of another name", reason: "git-object-corrupt",
        script: """
          h=$(git rev-parse HEAD); f=.git/objects/$(echo $h | cut -c1-2)/$(echo $h | cut -c3-)
          o=$(git rev-parse HEAD~1); g=.git/objects/$(echo $o | cut -c1-2)/$(echo $o | cut -c3-)
          chmod u+w $f; cp $g $f
          """),
      Trouble(
        testDescription: "an object cut short", reason: "git-object-corrupt",
        script: """
          h=$(git rev-parse HEAD); f=.git/objects/$(echo $h | cut -c1-2)/$(echo $h | cut -c3-)
          chmod u+w $f; truncate -s -5 $f
          """),
      Trouble(
        testDescription: "an object gone", reason: "git-object-missing",
        script: "h=$(git rev-parse HEAD^{tree}); rm -f .git/objects/$(echo $h | cut -c1-2)/$(echo $h | cut -c3-)"),
      Trouble(
        testDescription: "a pack cut short", reason: "git-object-corrupt",
        script: "git repack -adq; chmod u+w .git/objects/pack/*.pack; truncate -s 100 .git/objects/pack/*.pack"),
      Trouble(
        testDescription: "an index cut short", reason: "git-pack-corrupt",
        script: "git repack -adq; chmod u+w .git/objects/pack/*.idx; truncate -s 1200 .git/objects/pack/*.idx"),
    ])
  func refused(_ trouble: Trouble) async throws {
    try await withTemporaryFolder { folder in
      let git = try await history(folder)
      let head = try await name(git, "HEAD")
      let made = try await Tool("sh").run(["-ec", trouble.script], in: folder.path)
      #expect(made.status == 0, "\(made.all)")
      do {
        let repository = try LocalRepository(path: git.path)
        _ = try await fetch(repository, FetchRequest(wants: [head]), to: git.path.appending("fetched"))
        Issue.record("the repository was taken")
      } catch let failure as Failure {
        #expect(failure.reason == trouble.reason, "\(failure)")
      }
    }
  }
}
