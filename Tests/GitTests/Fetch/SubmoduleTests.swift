import Diagnostics
import Foundation
import TestSupport
import Testing

@testable import Git

@Suite struct SubmoduleTests {
  /// `one` has `libs/two`, which has `three`; URLs in `.gitmodules` are as given.
  private func withModules(
    _ url: String = "../two.git", _ body: (FetchBench, SampleRepository) async throws -> Void
  ) async throws {
    try await withTemporaryFolder { folder in
      let three = try await SampleRepository(folder.path("three"))
      try three.write("three\n", to: "three.txt")
      let threeID = try await three.commit()
      let two = try await SampleRepository(folder.path("two"))
      try two.write("two\n", to: "src/two.txt")
      try two.write("[submodule \"three\"]\n\tpath = deps/three\n\turl = ./../three.git\n", to: ".gitmodules")
      try await two.run("add", "-A")
      try await two.run("update-index", "--add", "--cacheinfo", "160000,\(threeID),deps/three")
      try await two.run("commit", "-q", "-m", "two")
      let twoID = try await two.run("rev-parse", "HEAD")
      let one = try await SampleRepository(folder.path("one"))
      try one.write("one\n", to: "one.txt")
      try one.write("[submodule \"two\"]\n\tpath = libs/two\n\turl = \(url)\n", to: ".gitmodules")
      try await one.run("add", "-A")
      try await one.run("update-index", "--add", "--cacheinfo", "160000,\(twoID),libs/two")
      try await one.run("commit", "-q", "-m", "one")
      try await body(try FetchBench(folder), one)
    }
  }

  @Test("submodules are left empty, and said, unless asked for") func off() async throws {
    try await withModules { bench, _ in
      let tree = try await bench.tree(try bench.order())
      #expect(tree.paths == [".gitmodules", "libs", "libs/two", "one.txt"])
      #expect(tree.notes == ["'libs/two' is a submodule and left empty"])
    }
  }

  @Test("submodules and theirs are fetched at the commits recorded") func on() async throws {
    try await withModules { bench, _ in
      let tree = try await bench.tree(try bench.order(submodules: true))
      #expect(
        tree.paths == [
          ".gitmodules", "libs", "libs/two", "one.txt", "libs/two/.gitmodules", "libs/two/deps",
          "libs/two/deps/three", "libs/two/src", "libs/two/src/two.txt", "libs/two/deps/three/three.txt",
        ])
      #expect(try tree.text("libs/two/deps/three/three.txt") == "three\n")
      #expect(tree.notes.isEmpty)
      _ = try await bench.checkOut(try bench.order(submodules: true), into: "out")
      #expect(try bench.folder.read("out/libs/two/deps/three/three.txt") == "three\n")
    }
  }

  @Test("submodules below a directory are found by their paths from the root") func directory() async throws {
    try await withModules { bench, _ in
      let tree = try await bench.tree(try bench.order(directory: "libs", submodules: true))
      #expect(try tree.text("two/src/two.txt") == "two\n")
      let error = await #expect(throws: Failure.self) { try await bench.tree(try bench.order(directory: "libs/two")) }
      #expect(error?.reason == "git-directory-submodule")
    }
  }

  @Test("another server gets no credentials") func credentials() async throws {
    try await withModules("https://else.example.org/two.git") { bench, _ in
      _ = try await bench.tree(try bench.order(submodules: true))
      #expect(bench.remotes.hostsWithCredentials == ["git.example.org"])
    }
  }

  @Test("submodules of this machine are refused", arguments: ["file:///two", "/two"])
  func local(url: String) async throws {
    try await withModules(url) { bench, _ in
      let error = await #expect(throws: Failure.self) { try await bench.tree(try bench.order(submodules: true)) }
      #expect(error?.reason == "git-submodule-address")
    }
  }

  @Test("a submodule over ssh is fetched only where the order allows ssh") func keys() async throws {
    try await withModules("ssh://git@else.example.org/two.git") { bench, _ in
      var order = try bench.order(submodules: true)
      let error = await #expect(throws: Failure.self) { try await bench.tree(order) }
      #expect(error?.reason == "git-transport-refused" && error?.code == .permissionDenied)
      #expect(bench.remotes.addresses == ["https://git.example.org/one.git"])
      order.transports.insert(.ssh)
      let tree = try await bench.tree(order)
      #expect(try tree.text("libs/two/src/two.txt") == "two\n")
    }
  }

  @Test(
    "an order that says nothing else reaches http and https alone",
    arguments: ["file:///one", "/one", "ssh://git@git.example.org/one.git"])
  func transports(url: String) async throws {
    try await withModules { bench, _ in
      var order = try bench.order()
      order.address = try GitAddress(parsing: url)
      let error = await #expect(throws: Failure.self) { try await bench.tree(order) }
      #expect(error?.reason == "git-transport-refused")
      #expect(bench.remotes.addresses.isEmpty)
    }
  }

  @Test("depth and number of submodules are bounded") func bounds() async throws {
    try await withModules { bench, _ in
      for (change, reason) in [
        ({ (limits: inout GitLimits) in limits.submoduleDepth = 1 }, "git-submodules-too-deep"),
        ({ (limits: inout GitLimits) in limits.submodules = 1 }, "git-too-many-submodules"),
      ] {
        var limits = GitLimits()
        change(&limits)
        let fetcher = GitFetcher(store: bench.store, limits: limits, connect: bench.fetcher.connect)
        let error = await #expect(throws: Failure.self) {
          try await fetcher.tree(try bench.order(submodules: true)) { _ throws(Failure) in }
        }
        #expect(error?.reason == reason)
      }
    }
  }
}
