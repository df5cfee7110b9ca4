import Foundation
import TestSupport
import Testing

/// A directory that did not change since it was sent.
@Suite("unchanged contexts") struct UnchangedContextTests {
  /// More than goes inline; the last file says which build it is.
  private static func context(in folder: TemporaryFolder) throws -> Tree {
    let tree = try Tree(["Dockerfile": "FROM busybox\nCOPY . /c\nRUN cat /c/word\n", "word": "first!"], in: folder)
    try Data(count: 5 << 20).write(to: URL(fileURLWithPath: tree.path + "/large"))
    return tree
  }

  private static func build(_ tree: Tree, _ server: ServerProcess, _ cache: String, _ flags: [String] = []) async throws
    -> (sent: Bool, words: String)
  {
    let built = try await server.kindling(
      ["build", tree.path, "--name", "same", "--progress", "plain"] + flags, environment: ["XDG_CACHE_HOME": cache])
    try built.expectSuccess()
    return (built.error.contains("uploading"), built.error)
  }

  /// Builds until the directory is known. One that changed within the last second or two is read again: what is
  /// waited for is the clock.
  private static func settle(_ tree: Tree, _ server: ServerProcess, _ cache: String) async throws {
    let deadline = ContinuousClock.now + .seconds(30)
    while ContinuousClock.now < deadline {
      let built = try await build(tree, server, cache)
      if !built.sent { return }
    }
    Issue.record("the directory never settled")
  }

  @Test("one is not sent twice, and what changes in it is always seen")
  func known() async throws {
    try await withServer { server, folder in
      try await server.importBusybox()
      let tree = try Self.context(in: folder)
      let cache = folder.path("cache")
      let first = try await Self.build(tree, server, cache)
      #expect(first.sent && first.words.contains("first!"))
      try await Self.settle(tree, server, cache)

      // The same size, and the old time put back.
      try await Tool("sh").run([
        "-c", "cd '\(tree.path)' && cp -p word ../old && echo -n second > word && touch -r ../old word",
      ]).expectSuccess()
      let second = try await Self.build(tree, server, cache)
      #expect(second.sent && second.words.contains("second"), "\(second.words)")
      try await Self.settle(tree, server, cache)
      #expect(try await Self.build(tree, server, cache, ["--no-cache"]).sent)
    }
  }

  @Test("a server that does not have it is sent it again, and so is another organisation")
  func unknown() async throws {
    try await withServer { server, folder in
      try await server.importBusybox()
      let tree = try Self.context(in: folder)
      let cache = folder.path("cache")
      try await Self.settle(tree, server, cache)
      try await Tool("sqlite3").run([server.data + "/ledger.sqlite", "DELETE FROM contexts"]).expectSuccess()
      let again = try await Self.build(tree, server, cache)
      #expect(again.sent)

      try await Self.settle(tree, server, cache)
      let other = try await server.kindling(
        ["build", tree.path, "--name", "same", "--progress", "plain", "--token", try await server.token(of: "acme")],
        environment: ["XDG_CACHE_HOME": cache])
      #expect(other.error.contains("uploading"), "\(other.all)")
    }
  }

  @Test("a context whose archive is gone or cut is sent again")
  func lostArchive() async throws {
    try await withServer { server, folder in
      try await server.importBusybox()
      let tree = try Self.context(in: folder)
      let cache = folder.path("cache")
      for harm in [
        "find . -type f ! -name '*.index' -delete", "find . -type f ! -name '*.index' -exec truncate -s 700 {} +",
      ] {
        try await Self.settle(tree, server, cache)
        try await Tool("sh").run(["-c", "cd '\(server.data)/contexts' && \(harm)"]).expectSuccess()
        #expect(try await Self.build(tree, server, cache).sent, "\(harm)")
      }
    }
  }

  @Test("an index of the context that is broken or gone costs time and nothing else")
  func brokenIndex() async throws {
    try await withServer { server, folder in
      try await server.importBusybox()
      let tree = try Self.context(in: folder)
      let cache = folder.path("cache")
      try await Self.settle(tree, server, cache)
      let contexts = server.data + "/contexts"
      for harm in [
        "truncate -s 100 *.index", "printf x | dd of=$(ls *.index | head -1) conv=notrunc seek=40 bs=1", "rm *.index",
      ] {
        try await Tool("sh").run(["-c", "cd '\(contexts)' && \(harm)"]).expectSuccess()
        let built = try await Self.build(tree, server, cache)
        #expect(!built.sent && !built.words.contains("first!"), "\(harm): \(built.words)")
      }
    }
  }
}
