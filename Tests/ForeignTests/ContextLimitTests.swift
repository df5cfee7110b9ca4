import Foundation
import TestSupport
import Testing

/// What uploaded contexts may take, and what is not sent twice.
@Suite("context limits") struct ContextLimitTests {
  private func tree(_ name: String, megabytes: Int, in folder: TemporaryFolder) async throws -> String {
    let path = folder.path(name)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try Data("FROM scratch\nCOPY . /\n".utf8).write(to: URL(filePath: path + "/Dockerfile"))
    try Data((0..<megabytes << 20).map { _ in UInt8.random(in: .min ... .max) }).write(
      to: URL(filePath: path + "/large"))
    return path
  }

  @Test("beyond the quota an upload is refused with what to do; another organisation has its own")
  func quota() async throws {
    try await withServer(["--context-quota", "8MiB"]) { server, folder in
      let (first, second) = (
        try await tree("first", megabytes: 5, in: folder), try await tree("second", megabytes: 5, in: folder)
      )
      try await server.kindling(["build", "upload", "--folder", first, "--name", "a"]).expectSuccess()
      let refused = try await server.kindling(["build", "upload", "--folder", second, "--name", "b"])
      #expect(refused.status == 7 && refused.error.contains("--context-quota"), "\(refused.all)")
      let token = try await server.token(of: "acme")
      try await server.kindling(["build", "upload", "--folder", second, "--name", "b", "--token", token])
        .expectSuccess()
      #expect(try Leftovers.of(server) == [])
    }
  }

  @Test("an expired context is NOT_FOUND, and the directory is sent again by itself")
  func expired() async throws {
    try await withServer(["--context-lifetime", "1s"]) { server, folder in
      let path = try await tree("app", megabytes: 5, in: folder)
      let environment = ["XDG_CACHE_HOME": folder.path("cache")]
      let upload = try await server.kindling(
        ["build", "upload", "--folder", path, "--name", "app"], environment: environment)
      let context = try #require(upload.lines.last)
      let deadline = ContinuousClock.now + .seconds(30)
      var code = 0.0
      while code != 5, ContinuousClock.now < deadline {
        let answer = try await HTTPAPI(server).call(
          "POST", "/v1/ignite/builds", ["name": "late", "contextId": .string(context)])
        code = answer.json["code"].number ?? 0
      }
      #expect(code == 5)
      try await server.kindling(["build", path, "--name", "app"], environment: environment).expectSuccess()
    }
  }

  @Test("content is found by its digest, and by its own organisation alone")
  func digest() async throws {
    try await withServer { server, folder in
      let path = try await tree("app", megabytes: 1, in: folder)
      try await server.kindling(["build", "upload", "--folder", path, "--name", "app"]).expectSuccess()
      let row = try await Tool("sqlite3").run([server.data + "/ledger.sqlite", "SELECT digest FROM contexts"])
      let digest = try #require(row.lines.first)
      let found = try await HTTPAPI(server).call("POST", "/_kindling/contexts", ["digest": .string(digest)])
      let context = try #require(found.json["contextId"].string, "\(found)")
      let built = try await HTTPAPI(server).built(["name": "app", "contextId": .string(context)])
      #expect(built.build["status"] == "BUILD_STATUS_SUCCEEDED")
      let other = HTTPAPI(server, token: try await server.token(of: "acme"))
      let hidden = try await other.call("POST", "/_kindling/contexts", ["digest": .string(digest)])
      let absent = try await other.call(
        "POST", "/_kindling/contexts", ["digest": .string("sha256:" + String(repeating: "0", count: 64))])
      #expect(hidden.status == 404 && hidden.body == absent.body, "\(hidden)")
      let broken = try await HTTPAPI(server).call("POST", "/_kindling/contexts", ["digest": "x"])
      #expect(broken.status == 400)
    }
  }
}
