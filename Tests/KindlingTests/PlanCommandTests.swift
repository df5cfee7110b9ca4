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

  @Test("refuses what is no directory or no Dockerfile")
  func refusals() async throws {
    try await withTemporaryFolder { folder in
      try folder.write("FRM scratch\n", to: "bad/Dockerfile")
      for (words, reason) in [
        (["none"], "context-missing"), ([folder.path], "dockerfile-missing"), (["https://a.test/b"], "plan-of-address"),
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
