import Foundation
import TestSupport
import Testing

@Suite("kindling plan")
struct PlanCommandTests {
  private static let dockerfile = """
    ARG VERSION=1
    FROM busybox:${VERSION} AS tools
    ARG MODE=fast
    RUN make $MODE
    FROM scratch
    COPY --from=tools /out /app
    COPY hidden /
    ENTRYPOINT ["/app"]

    """

  private func plan(_ words: [String], in folder: TemporaryFolder) async throws -> Tool.Result {
    try await Tool(ServerProcess.binary).run(
      ["plan"] + words, environment: ["KINDLING_DATA_DIR": folder.path("none"), "IGNITE_API_ENDPOINT": "127.0.0.1:1"],
      in: folder.path)
  }

  @Test("prints what a build would do, without a server, and writes nothing")
  func golden() async throws {
    try await withTemporaryFolder { folder in
      try folder.write(Self.dockerfile, to: "ctx/Dockerfile")
      try folder.write("hidden\n", to: "ctx/.dockerignore")
      try folder.write("x", to: "ctx/hidden")
      let words = ["ctx", "--build-arg", "MODE=slow", "--platform", "linux/amd64"]
      let plain = try await plan(words, in: folder)
      #expect(plain.status == 0 && plain.error.isEmpty, "\(plain.all)")
      try Golden.expect("plan", plain.output.split(separator: "\n", omittingEmptySubsequences: false).map(String.init))
      let stage = try await plan(words + ["--target", "tools", "--json"], in: folder)
      try Golden.expect("plan-json", stage.output.split(separator: "\n").map(String.init))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["ctx"])
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("ctx")).count == 3)
    }
  }

  @Test("takes base images from a running server")
  func server() async throws {
    try await withServer { server, folder in
      try await server.importBusybox()
      try folder.write("FROM busybox\nRUN true\n", to: "one/Dockerfile")
      let built = try await server.kindling(
        ["build", "./one", "--name", "based", "--progress", "quiet"], in: folder.path)
      try #require(built.status == 0, "\(built.all)")
      try folder.write("FROM based\nRUN true\n", to: "two/Dockerfile")
      let known = try await server.kindling(["plan", "two"], in: folder.path)
      #expect(known.status == 0 && known.output.contains("from image based"), "\(known.all)")
      #expect(!known.output.contains("was not looked up"), "\(known.all)")
      try folder.write("FROM unheard\n", to: "three/Dockerfile")
      let unknown = try await server.kindling(["plan", "three"], in: folder.path)
      #expect(unknown.status == 0, "\(unknown.all)")
      #expect(
        unknown.output.contains("'unheard' was not looked up (it is not in the server's registry)"), "\(unknown.all)")
    }
  }

  @Test("fetches the commit of an address for itself alone, and leaves nothing")
  func address() async throws {
    try await withGitServer { git in
      try await withTemporaryFolder { folder in
        let work = try await GitWorkshop(folder.path("work"))
        try await work.commit(["web/Dockerfile": "FROM scratch\nCOPY file /old\n", "web/file": "x"])
        try await work.git("tag", "v1")
        try await work.commit(["web/Dockerfile": "FROM scratch\nCOPY file /new\n", "web/.dockerignore": "file\n"])
        try await work.publish(to: git.folder + "/app.git")
        try folder.write("", to: "tmp/kept")
        for (suffix, words) in [("#v1:web", ["/old"]), ("#:web", ["/new", "'file' is taken out of the context"])] {
          let result = try await Tool(ServerProcess.binary).run(
            ["plan", git.url("app.git") + suffix, "--platform", "linux/amd64"],
            environment: [
              "KINDLING_DATA_DIR": folder.path("none"), "IGNITE_API_ENDPOINT": "127.0.0.1:1",
              "TMPDIR": folder.path("tmp"),
            ], in: folder.path)
          #expect(result.status == 0 && words.allSatisfy(result.output.contains), "\(suffix): \(result.all)")
          #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("tmp")) == ["kept"])
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["tmp", "work"])
        let missing = try await plan([git.url("none.git"), "--json"], in: folder)
        #expect(missing.status != 0 && missing.error.contains("git-"), "\(missing.all)")
      }
    }
  }

  @Test("refuses what is no directory or no Dockerfile")
  func refusals() async throws {
    try await withTemporaryFolder { folder in
      try folder.write("FRM scratch\n", to: "bad/Dockerfile")
      for (words, reason) in [
        (["none"], "context-missing"), ([folder.path], "dockerfile-missing"),
        (["https://me:secret@a.test/b.git"], "git-address-credentials"),
        (["bad", "--build-context", "a=/no/folder"], "context-missing"),
        (["bad", "--platform", "x"], "platform-invalid"),
      ] {
        let result = try await plan(words + ["--json"], in: folder)
        #expect(result.status != 0 && result.error.contains("\"reason\":\"\(reason)\""), "\(words): \(result.all)")
      }
      let bad = try await plan(["bad"], in: folder)
      #expect(bad.status == 2 && bad.error.contains("Dockerfile:1"), "\(bad.all)")
    }
  }
}
