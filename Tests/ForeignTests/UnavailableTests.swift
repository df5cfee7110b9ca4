import Foundation
import TestSupport
import Testing

/// A machine that lets nobody make namespaces: builds are off, everything else serves. The restrictions are real ones.
@Suite("without a sandbox", .enabled(if: geteuid() == 0)) struct UnavailableTests {
  /// What a container without privileges gives: root without the right to mount.
  private static let unprivileged = ["/usr/bin/setpriv", "--bounding-set=-sys_admin", ServerProcess.binary]
  /// What a distribution gives that forbids user namespaces: an ordinary user who gets none.
  private static let ordinary = [
    "/usr/bin/python3",
    URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Scripts/no_user_namespaces.py").path,
    ServerProcess.binary,
  ]

  @Test("a start under a real restriction answers UNAVAILABLE with cause and fix, at both doors, and serves the rest")
  func containerRoot() async throws { try await restricted(Self.unprivileged, cause: "namespaces refused") }

  @Test("so does one as an ordinary user without user namespaces")
  func ordinaryUser() async throws { try await restricted(Self.ordinary, cause: "user-namespace refused") }

  private func restricted(_ launcher: [String], cause: String) async throws {
    try await withTemporaryFolder { folder in
      try FileManager.default.createDirectory(atPath: folder.path("data"), withIntermediateDirectories: true)
      try await Tool("chmod").run(["-R", "a+rwX", folder.path]).expectSuccess()
      let server = try await ServerProcess(data: folder.path("data"), launcher: launcher)
      do { try await look(server, folder, cause: cause) } catch {
        await server.stop()
        throw error
      }
      #expect(await server.stop() == 0)
    }
  }

  private func look(_ server: ServerProcess, _ folder: TemporaryFolder, cause: String) async throws {
    let api = HTTPAPI(server)
    let archive = try await Tree.inline(dockerfile: Tree.scratch, in: folder)
    let order: JSON = ["name": "app", "zippedCode": archive]
    let refused = try await api.call("POST", "/v1/ignite/builds", order)
    #expect(refused.status == 503 && refused.json["code"] == 14, "\(refused)")
    #expect(refused.body.contains(cause) && refused.body.contains("kindling status"), "\(refused)")
    #expect(refused.body.contains("as root"), "the fix: \(refused)")
    let answers = try await Python.call(
      server,
      [
        ["rpc": "CreateBuild", "requests": [order]],
        ["rpc": "UploadBuildContext", "requests": [["metadata": ["name": "x"]], ["chunk": archive]]],
        ["rpc": "ListBuilds"], ["rpc": "GetBuild", "requests": [["buildId": "bld_x"]]],
        ["rpc": "SaveBuildSecrets", "requests": [["buildSecrets": ["A": "b"]]]],
      ])
    #expect(answers.map(\.code) == ["UNAVAILABLE", "UNAVAILABLE", "OK", "NOT_FOUND", "OK"], "\(answers.map(\.all))")
    #expect(answers[0].details.contains(cause), "\(answers[0].all)")
    let health = try await Python.call(
      server,
      ["", "dodil.ignite.v1.BuildService"].map { service in
        ["rpc": "grpc.health.v1.Health/Check", "requests": [["service": .string(service)]]]
      })
    #expect(health.map { $0.first["status"] } == ["SERVING", "NOT_SERVING"], "\(health.map(\.all))")
    let queue = try await server.kindling(["queue"])
    #expect(queue.status == 0 && queue.output.contains(cause), "\(queue.all)")
    let built = try await server.kindling(["build", try Tree(["Dockerfile": Tree.scratch], in: folder).path])
    #expect(built.status == 9 && built.error.contains(cause), "\(built.all)")

    // The registry serves, and images can be brought in.
    try await server.importBusybox()
    try await Skopeo.copy(
      from: "docker://\(server.ready.registry)/dev/busybox:latest", to: "oci:\(folder.path("oci")):latest")
    #expect(try await api.call("GET", "/").status == 200)
    let ready = try await api.call("GET", "/readyz?verbose")
    #expect(ready.status == 200, "\(ready)")
    let part = try #require(ready.json["parts"].array.first { $0["name"] == "builds" })
    #expect(part["ok"] == false && part["detail"].string?.contains(cause) == true, "\(ready)")
    let status = try await server.kindling(["status"])
    #expect(status.status == 0 && status.output.contains("!!"), "\(status.all)")
  }
}
