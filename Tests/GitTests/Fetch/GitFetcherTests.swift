import Archive
import Diagnostics
import Foundation
import OCI
import SystemPackage
import TestSupport
import Testing

@testable import Git

@Suite struct GitFetcherTests {
  /// A repository with a few directories, a link and a program; `body` gets its first commit.
  private func withBench(
    format: String = "sha1", branch: String = "main",
    _ body: (FetchBench, SampleRepository, String) async throws -> Void
  ) async throws {
    try await withTemporaryFolder { folder in
      let repository = try await SampleRepository(folder.path("one"), format: format, branch: branch)
      try repository.write("FROM scratch\n", to: "Dockerfile")
      try repository.write("hello\n", to: "web/hello.txt")
      try repository.write("#!/bin/sh\n", to: "web/bin/run")
      try repository.write("deep\n", to: "api/v1/deep.txt")
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path("one/web/bin/run"))
      try FileManager.default.createSymbolicLink(atPath: folder.path("one/link"), withDestinationPath: "web/hello.txt")
      try await body(try FetchBench(folder), repository, try await repository.commit("first"))
    }
  }

  @Test("a commit becomes a context: modes, links, contents and their digests", arguments: ["sha1", "sha256"])
  func context(format: String) async throws {
    try await withBench(format: format) { bench, _, commit in
      let tree = try await bench.tree(try bench.order())
      #expect(tree.commit.hex == commit)
      #expect(tree.reference == "refs/heads/main")
      #expect(
        tree.paths == [
          "Dockerfile", "api", "api/v1", "api/v1/deep.txt", "link", "web", "web/bin", "web/bin/run", "web/hello.txt",
        ])
      let byPath = Dictionary(uniqueKeysWithValues: tree.index.entries.map { ($0.entry.path.string, $0) })
      #expect(byPath["web/bin/run"]?.entry.mode == 0o755)
      #expect(byPath["web/hello.txt"]?.entry.mode == 0o644)
      #expect(byPath["link"]?.entry.kind == .symlink(target: "web/hello.txt"))
      #expect(byPath["web/hello.txt"]?.contentDigest == Digest(sha256Of: Array("hello\n".utf8)))
      #expect(try tree.text("web/hello.txt") == "hello\n")
      #expect(tree.index.entries.allSatisfy { $0.entry.mtime == FileTime(seconds: 1_700_000_000) })
      #expect(tree.index.totalBytes == ByteCount(13 + 6 + 10 + 5))
    }
  }

  @Test("the same commit again asks the remote for nothing; a child commit for what is new") func reuse() async throws {
    try await withBench { bench, repository, commit in
      let first = try await bench.tree(try bench.order())
      #expect(first.transferred.objects == 11)
      first.lease.release()
      let again = try await bench.tree(try bench.order())
      #expect(again.transferred == GitTransfer())
      let byID = try await bench.tree(try bench.order(commit))
      #expect(byID.transferred == GitTransfer())
      #expect(bench.remotes.requests.count == 1)
      try repository.write("hello again\n", to: "web/hello.txt")
      try await repository.commit()
      let child = try await bench.tree(try bench.order())
      // The commit, two trees and a file.
      #expect(child.transferred.objects == 4)
      #expect(bench.remotes.requests.last?.haves.map(\.hex) == [commit])
      #expect(bench.remotes.requests.last?.shallow.map(\.hex) == [commit])
      #expect(try child.text("web/hello.txt") == "hello again\n")
      #expect(try child.text("api/v1/deep.txt") == "deep\n")
      #expect(child.index.files.count == 2)
    }
  }

  @Test("what one organisation fetched is not there for another") func scopes() async throws {
    try await withBench { bench, _, commit in
      _ = try await bench.tree(try bench.order(commit))
      let other = try await bench.tree(try bench.order(commit, scope: "other"))
      #expect(other.transferred.objects == 11)
      #expect(bench.remotes.requests.count == 2)
    }
  }

  @Test("a directory is fetched without the rest where the remote filters") func sparse() async throws {
    try await withBench { bench, _, commit in
      let tree = try await bench.tree(try bench.order(directory: "web/"))
      #expect(tree.paths == ["bin", "bin/run", "hello.txt"])
      #expect(try tree.text("hello.txt") == "hello\n")
      #expect(bench.remotes.requests.map(\.filter) == [.noBlobs, nil])
      #expect(bench.remotes.requests.last?.wants.count == 2)
      // Of the same commit, what lies inside is at hand, and what does not needs no trees any more.
      #expect(try await bench.tree(try bench.order(commit, directory: "web/bin")).transferred == GitTransfer())
      let api = try await bench.tree(try bench.order(commit, directory: "./api"))
      #expect(api.transferred.objects == 1)
      #expect(try api.text("v1/deep.txt") == "deep\n")
      let whole = try await bench.tree(try bench.order())
      #expect(whole.paths.count == 9)
    }
  }

  @Test("a remote that cannot filter, or serves no file by name, is asked for the whole commit", arguments: 0..<3)
  func unfiltered(manner: Int) async throws {
    try await withBench { bench, _, _ in
      var manners = RecordingRemote.Manners()
      if manner == 0 { manners.filters = false }
      if manner == 1 { manners.anyWant = false }
      if manner == 2 { manners.liesAboutWants = true }
      bench.remotes.behave(manners)
      let tree = try await bench.tree(try bench.order(directory: "web"))
      #expect(tree.paths == ["bin", "bin/run", "hello.txt"])
      #expect(bench.remotes.requests.last?.filter == nil)
    }
  }

  @Test(
    "directories that are not there, climb, or lead through a link are refused",
    arguments: [
      ("wep", "git-directory-missing", "api, web"), ("web/nothing", "git-directory-missing", "bin"),
      ("Dockerfile", "git-directory-missing", "file"), ("../..", "git-directory-invalid", "root"),
      ("/web", "git-directory-invalid", "root"), ("web/../api", "git-directory-invalid", "root"),
      (".git", "git-directory-invalid", "root"), ("a\nb", "git-directory-invalid", "root"),
      ("link", "git-directory-link", "points"), ("link/x", "git-directory-link", "points"),
    ])
  func directories(directory: String, reason: String, word: String) async throws {
    try await withBench { bench, _, _ in
      let error = await #expect(throws: Failure.self) { try await bench.tree(try bench.order(directory: directory)) }
      #expect(error?.reason == reason)
      #expect(error?.description.contains(word) == true, "\(String(describing: error))")
    }
  }

  @Test("branches, tags, full names and ids are found, in this order") func references() async throws {
    try await withBench { bench, repository, first in
      try await repository.run("tag", "v1")
      try await repository.run("tag", "-a", "v2", "-m", "annotated")
      try await repository.run("tag", "-a", "v3", "-m", "of a tag", "v2")
      try await repository.run("update-ref", "refs/pull/7/head", first)
      try await repository.run("update-ref", "refs/merge-requests/3/head", first)
      try repository.write("second\n", to: "second.txt")
      let second = try await repository.commit()
      try await repository.run("branch", "both")
      try await repository.run("tag", "both", first)
      let expected = [
        ("main", "refs/heads/main", second), ("v1", "refs/tags/v1", first), ("v2", "refs/tags/v2", first),
        ("v3", "refs/tags/v3", first), ("both", "refs/heads/both", second), ("refs/tags/both", "refs/tags/both", first),
        ("tags/both", "refs/tags/both", first), ("refs/pull/7/head", "refs/pull/7/head", first),
        ("pull/7/head", "refs/pull/7/head", first), ("HEAD", "HEAD", second),
        ("refs/merge-requests/3/head", "refs/merge-requests/3/head", first), (first, first, first),
        (first.uppercased(), first, first), (String(second.prefix(7)), second, second),
        (String(first.prefix(4)), first, first),
      ]
      for (reference, name, commit) in expected {
        let tree = try await bench.tree(try bench.order(reference))
        #expect(tree.reference == name, "\(reference)")
        #expect(tree.commit.hex == commit, "\(reference)")
      }
    }
  }

  @Test("an abbreviated commit of the history is found where commits can be fetched alone") func abbreviated()
    async throws
  {
    try await withBench { bench, repository, first in
      for _ in 0..<100 { try await repository.commit() }
      let tree = try await bench.tree(try bench.order(String(first.prefix(12))))
      #expect(tree.commit.hex == first)
      #expect(bench.remotes.requests.map(\.filter) == [.noTrees, .noTrees, nil])
      bench.remotes.behave(.init(filters: false))
      let error = await #expect(throws: Failure.self) {
        try await bench.tree(try bench.order(String(first.prefix(12)), scope: "other"))
      }
      #expect(error?.reason == "git-reference-unknown")
      #expect(error?.hint == "give the commit's whole id")
    }
  }

  @Test("a missing default branch names the remote's own, an unknown name its neighbours") func unknown() async throws {
    try await withBench(branch: "master") { bench, repository, _ in
      try await repository.run("branch", "release-1")
      let missing = await #expect(throws: Failure.self) { try await bench.tree(try bench.order()) }
      #expect(missing?.reason == "git-reference-unknown")
      #expect(missing?.message.contains("'master'") == true)
      #expect(missing?.hint == "name the branch: --git-ref master")
      let unknown = await #expect(throws: Failure.self) { try await bench.tree(try bench.order("relase-1")) }
      #expect(unknown?.reason == "git-reference-unknown")
      #expect(unknown?.hint == "did you mean 'release-1'?")
      for name in ["-x", "a..b", "a\nb", "a b", "x.lock", "--upload-pack=x"] {
        let invalid = await #expect(throws: Failure.self) { try await bench.tree(try bench.order(name)) }
        #expect(invalid?.reason == "git-reference-invalid")
      }
    }
  }

  @Test(
    "names of the remote's choice are one harmless word of a hint, and not without end",
    arguments: [
      ("$(touch${IFS}x)", "--git-ref '$(touch${IFS}x)'"), ("a;id`id`", "--git-ref 'a;id`id`'"),
      ("it's", "--git-ref 'it'\\''s'"), ("feature/a-1", "--git-ref feature/a-1"),
      (String(repeating: "x", count: 200), "--git-ref NAME"), ("\u{202e}x", "--git-ref NAME"),
    ])
  func words(branch: String, expected: String) async throws {
    try await withBench(branch: branch) { bench, _, _ in
      let failure = await #expect(throws: Failure.self) { try await bench.tree(try bench.order()) }
      #expect(failure?.hint?.hasSuffix(expected) == true, "\(failure?.hint ?? "")")
      #expect((failure?.message.count ?? 0) < 250)
    }
  }

  @Test("a commit the remote does not serve by its id is found by deepening") func deepening() async throws {
    try await withBench { bench, repository, first in
      for _ in 0..<40 { try await repository.commit() }
      bench.remotes.behave(.init(filters: false, anyWant: false))
      let tree = try await bench.tree(try bench.order(first))
      #expect(tree.commit.hex == first)
      #expect(bench.remotes.requests.map(\.depth) == [1, 32, 256])
      let nowhere = String(repeating: "12", count: 20)
      let error = await #expect(throws: Failure.self) { try await bench.tree(try bench.order(nowhere)) }
      #expect(error?.reason == "git-want-refused")
    }
  }

  @Test("a branch whose name looks like a commit is found when there is no such commit") func hexBranch() async throws {
    try await withBench { bench, repository, first in
      let name = String(repeating: "ab", count: 20)
      try await repository.run("update-ref", "refs/heads/\(name)", first)
      bench.remotes.behave(.init(anyWant: false))
      let tree = try await bench.tree(try bench.order(name))
      #expect(tree.reference == "refs/heads/\(name)")
      #expect(tree.commit.hex == first)
    }
  }

  @Test("another commit than the one asked for is refused") func otherCommit() async throws {
    try await withBench { bench, repository, first in
      let second = try await repository.commit()
      bench.remotes.behave(.init(delivers: ObjectID(hex: first)))
      let error = await #expect(throws: Failure.self) { try await bench.tree(try bench.order(second)) }
      #expect(error?.reason == "git-object-missing")
      #expect(error?.message.contains(second) == true)
      #expect(try FileManager.default.contentsOfDirectory(atPath: bench.folder.path("store")).count <= 2)
    }
  }

  @Test("what the address says counts where the order says nothing, and its commit must be the one") func addressed()
    async throws
  {
    try await withBench { bench, repository, first in
      try await repository.run("branch", "old", first)
      let second = try await repository.commit()
      func order(_ suffix: String) throws -> GitTreeOrder {
        GitTreeOrder(address: try GitAddress(parsing: "https://git.example.org/one.git\(suffix)"), scope: "acme")
      }
      #expect(try await bench.tree(try order("#old:web")).paths == ["bin", "bin/run", "hello.txt"])
      #expect(try await bench.tree(try order("#\(first)")).commit.hex == first)
      #expect(try await bench.tree(try order("?branch=old&commit=\(first)")).reference == "refs/heads/old")
      let error = await #expect(throws: Failure.self) {
        try await bench.tree(try order("?branch=old&commit=\(second)"))
      }
      #expect(error?.reason == "git-commit-mismatch")
    }
  }

  @Test("files that point into Git LFS are said") func largeFiles() async throws {
    try await withBench { bench, repository, _ in
      let pointer = """
        version https://git-lfs.github.com/spec/v1
        oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
        size 12345

        """
      for name in ["a.bin", "b.bin"] { try repository.write(pointer, to: name) }
      try repository.write("version 1\n" + String(repeating: "x", count: 200), to: "c.bin")
      try await repository.commit()
      let tree = try await bench.tree(try bench.order())
      #expect(
        tree.notes == ["2 files are pointers into Git LFS, 'a.bin' the first; the content behind them is not fetched"])
    }
  }

  @Test("two fetches of one commit at the same time transfer it once") func together() async throws {
    try await withBench { bench, _, _ in
      try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<8 {
          group.addTask { try await bench.tree(try bench.order()).transferred.objects }
        }
        var objects: [Int] = []
        for try await count in group { objects.append(count) }
        #expect(objects.sorted() == [0, 0, 0, 0, 0, 0, 0, 11])
      }
      #expect(bench.remotes.requests.count == 1)
    }
  }

  @Test("a cancelled fetch leaves nothing and lets the next one through") func cancelled() async throws {
    try await withBench { bench, _, _ in
      let order = try bench.order()
      let fetcher = bench.fetcher
      let task = Task { () async throws -> FetchedTree in
        withUnsafeCurrentTask { $0?.cancel() }
        return try await fetcher.tree(order) { _ throws(Failure) in }
      }
      let error = await #expect(throws: Failure.self) { try await task.value }
      #expect(error?.code == .cancelled)
      #expect(try await bench.tree(order).transferred.objects == 11)
    }
  }
}
