import Foundation
import TestSupport
import Testing

/// The distribution specification against the real server; see the script for the checks.
@Suite("conformance") struct ConformanceTests {
  @Test(
    "nothing of the OCI distribution specification fails, neither of 1.1 nor of what comes next",
    arguments: [
      "api", "blobs", "sessions", "digests", "mounts", "ranges", "manifests", "tags", "catalog", "referrers", "deletes",
      "hostile",
    ])
  func group(name: String) async throws {
    try await withServer { server, _ in
      let before = try Self.memory(server)
      let result = try await Python.run("conformance.py", [server.ready.http, name])
      // Not by what was asked of it, fifteen hundred uploads among that, does a server grow; nor do its files stay open.
      #expect(try Self.memory(server) - before < 100_000, "kB")
      #expect(try FileManager.default.contentsOfDirectory(atPath: "/proc/\(server.ready.pid)/fd").count < 200)
      #expect(result.status == 0, "\(result.all)")
      // A script that checks nothing finds nothing.
      let counts = try JSON(text: result.lines.last ?? "")
      #expect((counts[name].number ?? 0) > 10, "\(result.all)")
      #expect(try await server.http("GET", "/readyz", token: nil).status == 200)
    }
  }

  @Test("with tokens nobody mounts, sees or reads what is another organisation's, whatever they know of it")
  func isolation() async throws {
    try await withServer(["--registry-auth"]) { server, folder in
      let (own, other) = (server.token, try await server.token(of: "acme"))
      let digest = try await Self.push("a secret layer", to: "dev/app", server, own, folder)
      for query in ["mount=\(digest)", "mount=\(digest)&from=dev/app", "mount=\(digest)&from=acme/app"] {
        let answer = try await server.http("POST", "/v2/acme/app/blobs/uploads/?\(query)", body: "", token: other)
        #expect(answer.status == 202, "\(query): \(answer)")
      }
      for method in ["GET", "HEAD"] {
        let theirs = try await server.http(method, "/v2/acme/app/blobs/\(digest)", token: other)
        #expect(theirs.status == 404, "\(theirs)")
        let ours = try await server.http(method, "/v2/dev/app/blobs/\(digest)", token: other)
        #expect(ours.status == 404, "\(ours)")
      }
      let manifest = #"{"schemaVersion":2,"config":{"mediaType":"a/b","digest":"\#(digest)","size":14},"layers":[]}"#
      let named = try await server.http(
        "PUT", "/v2/acme/app/manifests/v1", body: manifest, token: other,
        headers: ["Content-Type: application/vnd.oci.image.manifest.v1+json"])
      #expect(named.status == 404 && named.body.contains("MANIFEST_BLOB_UNKNOWN"), "\(named)")
      // Within the organisation an anonymous mount finds it.
      let mounted = try await server.http("POST", "/v2/dev/else/blobs/uploads/?mount=\(digest)", body: "", token: own)
      #expect(mounted.status == 201, "\(mounted)")
    }
  }

  /// Resident kilobytes.
  private static func memory(_ server: ServerProcess) throws -> Int {
    let status = try String(contentsOfFile: "/proc/\(server.ready.pid)/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
    return try #require(line.split(separator: " ").dropFirst().first.flatMap { Int($0) })
  }

  private static func push(
    _ text: String, to repository: String, _ server: ServerProcess, _ token: String, _ folder: TemporaryFolder
  ) async throws -> String {
    try folder.write(text, to: "blob")
    let digest = "sha256:" + (try await Tool("sha256sum").run([folder.path("blob")])).output.prefix(64)
    let pushed = try await server.http(
      "POST", "/v2/\(repository)/blobs/uploads/?digest=\(digest)", body: text, token: token,
      headers: ["Content-Type: application/octet-stream"])
    #expect(pushed.status == 201, "\(pushed)")
    return digest
  }
}
