import Foundation
import TestSupport
import Testing

/// How a server ends while it builds (Ctrl-C, SIGTERM), beside `DurabilityTests`.
@Suite("stop") struct StopTests {
  private func building(_ command: String, _ server: ServerProcess, _ folder: TemporaryFolder) async throws -> String {
    let id = try await HTTPAPI(server).create([
      "name": "app",
      "zippedCode": try await Tree.inline(
        dockerfile: "FROM busybox\nRUN --mount=type=cache,target=/m touch /m/here; printf 'be%s\\n' gun; \(command)\n",
        in: folder),
    ])
    try await Stream.wait(for: " begun", of: id, server)
    return id
  }

  @Test("the first signal makes it unready and lets builds end that end soon; it says what it waits for")
  func grace() async throws {
    try await withTemporaryFolder { folder in
      let server = try await ServerProcess(data: folder.path("data"), flags: ["--stop-grace", "20s", "--workers", "1"])
      try await server.importBusybox()
      let id = try await building("while [ ! -e /m/go ]; do sleep 0.05; done", server, folder)
      let waiting = try await HTTPAPI(server).create([
        "name": "late", "zippedCode": try await Tree.inline(dockerfile: Tree.scratch, in: folder),
      ])
      kill(server.ready.pid, SIGTERM)
      let words = try await said("waiting up to 20s for \(id) (app); Ctrl-C again to stop now", server)
      #expect(words.contains(id), "\(words)")
      let unready = try await server.http("GET", "/readyz", token: nil)
      #expect(unready.status == 503 && unready.body.contains("stopping"), "\(unready)")
      // Nothing new begins, and what is asked is still answered.
      let api = HTTPAPI(server)
      #expect(
        try await api.call("GET", "/v1/ignite/builds/\(waiting)").json["build"]["status"] == "BUILD_STATUS_PENDING")
      try release(server)
      #expect(await server.stop() == 0)
      let next = try await ServerProcess(data: folder.path("data"))
      #expect(try await HTTPAPI(next).ended(id).build["status"] == "BUILD_STATUS_SUCCEEDED")
      #expect(try await HTTPAPI(next).ended(waiting).build["status"] == "BUILD_STATUS_SUCCEEDED")
      await next.stop()
    }
  }

  @Test("the second Ctrl-C ends it at once, with every process, and the next start says what was interrupted")
  func impatient() async throws {
    try await withTemporaryFolder { folder in
      let server = try await ServerProcess(data: folder.path("data"), flags: ["--stop-grace", "5m"])
      try await server.importBusybox()
      let seconds = Int.random(in: 100_000...999_999)
      let id = try await building("trap '' TERM INT; while :; do sleep \(seconds); done", server, folder)
      kill(server.ready.pid, SIGINT)
      _ = try await said("Ctrl-C again to stop now", server)
      let began = ContinuousClock.now
      kill(server.ready.pid, SIGINT)
      #expect(await server.stop() == 130)
      #expect(began.duration(to: .now) < .seconds(5))
      let next = try await ServerProcess(data: folder.path("data"))
      let processes = try await Tool("pgrep").run(["-f", "sleep \(seconds)"])
      #expect(processes.status == 1, "\(processes.all)")
      let (build, log) = try await HTTPAPI(next).ended(id)
      #expect(build["status"] == "BUILD_STATUS_FAILED" && log.last?.contains("start the build again") == true, "\(log)")
      #expect(try Leftovers.of(next) == [])
      await next.stop()
    }
  }

  /// Lets the RUN of `grace` go on, by a file in its cache mount.
  private func release(_ server: ServerProcess) throws {
    let caches = server.data + "/cache"
    let paths = try FileManager.default.subpathsOfDirectory(atPath: caches)
    let here = try #require(paths.first { $0.hasSuffix("/here") }, "\(paths)")
    try Data().write(to: URL(filePath: "\(caches)/\(here.dropLast("here".count))go"))
  }

  /// What the server wrote, once it holds `text`.
  private func said(_ text: String, _ server: ServerProcess) async throws -> String {
    for _ in 0..<600 {
      let words = try String(contentsOfFile: server.data + ".errors", encoding: .utf8)
      if words.contains(text) { return words }
      try await Task.sleep(for: .milliseconds(50))
    }
    return try String(contentsOfFile: server.data + ".errors", encoding: .utf8)
  }
}
