import Foundation
import TestSupport
import Testing

/// What was acknowledged survives, however the server ends.
@Suite("durability") struct DurabilityTests {
  @Test("after kill -9 everything acknowledged is there, and what ran has FAILED with a reason")
  func killed() async throws {
    try await withTemporaryFolder { folder in
      let first = try await ServerProcess(data: folder.path("data"), flags: ["--workers", "1"])
      try await first.importBusybox()
      let api = HTTPAPI(first)
      let tree = try Tree(["Dockerfile": Tree.scratch], in: folder)
      let (done, log) = try await api.built(["name": "done", "tags": ["kept"], "zippedCode": try await tree.inline()])
      let layout = "oci:\(folder.path("oci")):latest"
      try await Skopeo.copy(from: "docker://\(first.ready.registry)/dev/done:kept", to: layout)
      let running = try await api.create([
        "name": "running",
        "zippedCode": try await Tree.inline(
          dockerfile: "FROM busybox\nRUN printf 'be%s\\n' gun; sleep 600\n", in: folder),
      ])
      try await Stream.wait(for: " begun", of: running, first)
      let waiting = try await api.create(["name": "waiting", "zippedCode": try await tree.inline()])
      let upload = try await first.kindling(["build", "upload", "--folder", tree.path, "--name", "ctx"])
      let context = try #require(upload.lines.last)
      try await Skopeo.copy(from: layout, to: "docker://\(first.ready.registry)/dev/pushed:1")
      await first.kill()

      let second = try await ServerProcess(data: folder.path("data"))
      do {
        try await self.look(second, done: done, log: log, running: running, waiting: waiting, context: context)
        #expect(try await Skopeo.tags("docker://\(second.ready.registry)/dev/pushed") == ["1"])
        try await Skopeo.copy(
          from: "docker://\(second.ready.registry)/dev/pushed:1", to: "oci:\(folder.path("again")):latest")
        // The first server's token is still one.
        #expect(try await HTTPAPI(second, token: first.token).call("GET", "/v1/ignite/builds").status == 200)
      } catch {
        await second.stop()
        throw error
      }
      await second.stop()
    }
  }

  private func look(
    _ server: ServerProcess, done: JSON, log: [String], running: String, waiting: String, context: String
  ) async throws {
    let api = HTTPAPI(server)
    let kept = try await api.ended(try #require(done["buildId"].string))
    #expect(kept.build == done && kept.log == log)
    #expect(try await Leftovers.tags(of: "done", server) == ["kept"])
    let (failed, story) = try await api.ended(running)
    #expect(failed["status"] == "BUILD_STATUS_FAILED", "\(failed.text)")
    #expect(
      failed["error"].string?.contains("the server stopped while the build was running") == true, "\(failed.text)")
    #expect(story.contains { $0.hasSuffix(" begun") }, "\(story)")
    #expect(story.contains { $0.hasPrefix("failed: the server stopped") }, "\(story)")
    // The one that waited runs now.
    let (late, lateLog) = try await api.ended(waiting)
    #expect(late["status"] == "BUILD_STATUS_SUCCEEDED", "\(lateLog)")
    let (again, _) = try await api.built(["name": "again", "contextId": .string(context)])
    #expect(again["status"] == "BUILD_STATUS_SUCCEEDED", "\(again.text)")
    #expect(try Leftovers.of(server) == [])
  }

  @Test("SIGTERM while a build runs ends the server within seconds, with 0, and the build FAILED as interrupted")
  func terminated() async throws {
    try await withTemporaryFolder { folder in
      let first = try await ServerProcess(data: folder.path("data"), flags: ["--workers", "1", "--stop-grace", "1s"])
      try await first.importBusybox()
      let api = HTTPAPI(first)
      // A number by which the command's processes are found again.
      let seconds = Int.random(in: 100_000...999_999)
      let archive = try await Tree.inline(
        dockerfile: "FROM busybox\nRUN trap '' TERM INT; printf 'be%s\\n' gun; while :; do sleep \(seconds); done\n",
        in: folder)
      let running = try await api.create(["name": "running", "zippedCode": archive])
      let waiting = try await api.create([
        "name": "waiting", "zippedCode": try await Tree.inline(dockerfile: Tree.scratch, in: folder),
      ])
      try await Stream.wait(for: " begun", of: running, first)
      // Somebody still reads the log; the stop neither waits for them nor leaves them hanging.
      async let reader = Tool("curl").run([
        "-sSN", "-H", "Authorization: Bearer \(first.token)",
        "\(first.ready.http)/v1/ignite/builds/\(running)/logs/stream?from_start=true",
      ])
      let began = ContinuousClock.now
      #expect(await first.stop() == 0)
      #expect(began.duration(to: .now) < .seconds(10))
      _ = try await reader
      let processes = try await Tool("pgrep").run(["-f", "sleep \(seconds)"])
      #expect(processes.status == 1, "\(processes.all)")

      let second = try await ServerProcess(data: folder.path("data"))
      let after = HTTPAPI(second)
      let (failed, log) = try await after.ended(running)
      let (late, _) = try await after.ended(waiting)
      #expect(try Leftovers.of(second) == [])
      await second.stop()
      #expect(failed["status"] == "BUILD_STATUS_FAILED", "\(failed.text)")
      #expect(failed["error"].string?.contains("the server was stopped") == true, "\(failed.text)")
      #expect(log.contains { $0.hasPrefix("failed: the server was stopped") }, "\(log)")
      #expect(late["status"] == "BUILD_STATUS_SUCCEEDED", "\(late.text)")
      #expect(!FileManager.default.fileExists(atPath: folder.path("data/run.json")))
    }
  }

  @Test("a second server on the same directory is told who has it")
  func second() async throws {
    try await withServer { server, _ in
      let failure = await #expect(throws: ServerProcess.StartFailed.self) { try await ServerProcess(data: server.data) }
      let words = failure?.words ?? ""
      #expect(failure?.status == 1, "\(words)")
      #expect(words.contains(server.ready.http) && words.contains("\(server.ready.pid)"), "\(words)")
      let first = try await server.http("GET", "/readyz", token: nil)
      #expect(first.status == 200)
    }
  }

  @Test("a port in use is told with its owner")
  func port() async throws {
    try await withServer { server, folder in
      let port = try #require(server.ready.http.split(separator: ":").last)
      let second = try await Tool(ServerProcess.binary).run([
        "start", "--port", String(port), "--grpc-port", "0", "--data-dir", folder.path("other"),
      ])
      #expect(second.status != 0)
      #expect(second.error.contains(port) && second.error.contains("pid \(server.ready.pid)"), "\(second.all)")
      // Nothing is left that would keep the next one from starting.
      let third = try await ServerProcess(data: folder.path("other"))
      #expect(await third.stop() == 0)
    }
  }

  @Test("a data directory that cannot be written is told at once")
  func readOnly() async throws {
    try await withTemporaryFolder { folder in
      let data = folder.path("locked")
      try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
      try FileManager.default.setAttributes([.posixPermissions: 0o500], ofItemAtPath: data)
      // Permissions say nothing to root, a file system that is read-only does.
      let lock = geteuid() == 0 ? "mount --bind \(data) \(data) && mount -o remount,ro,bind \(data) && " : ""
      let start = "\(lock)exec '\(ServerProcess.binary)' start --port 0 --grpc-port 0 --data-dir \(data)"
      let locked = try await Tool(geteuid() == 0 ? "unshare" : "env").run(
        (geteuid() == 0 ? ["-m"] : []) + ["/bin/sh", "-c", start])
      #expect(locked.status == 1 && locked.error.contains("is not writable"), "\(locked.all)")
      #expect(locked.error.contains("--data-dir"), "\(locked.all)")
      let nowhere = try await Tool(ServerProcess.binary).run(
        ["start", "--port", "0", "--grpc-port", "0", "--data-dir", "/proc/kindling"])
      #expect(nowhere.status == 1 && nowhere.error.contains("'/proc/kindling'"), "\(nowhere.all)")
      #expect(nowhere.error.contains("--data-dir"), "\(nowhere.all)")
      try folder.write("a file", to: "data")
      let result = try await Tool(ServerProcess.binary).run(
        ["start", "--port", "0", "--grpc-port", "0", "--data-dir", folder.path("data")])
      #expect(result.status == 1 && result.error.contains(folder.path("data")), "\(result.all)")
      #expect(try folder.read("data") == "a file")
    }
  }

  @Test("a damaged or outdated run.json stops nobody")
  func runFile() async throws {
    try await withTemporaryFolder { folder in
      for text in ["{", "", "{\"pid\":1,\"urls\":{\"http\":\"http://127.0.0.1:1\",\"grpc\":\"127.0.0.1:1\"}}"] {
        try folder.write(text, to: "data/run.json")
        let server = try await ServerProcess(data: folder.path("data"))
        let list = try await server.kindling(["build", "list"])
        #expect(list.status == 0, "\(text): \(list.all)")
        try folder.write(text, to: "data/run.json")
        let status = try await server.kindling(["status"])
        #expect([0, 9].contains(status.status), "\(text): \(status.all)")
        #expect(await server.stop() == 0)
      }
    }
  }
}

/// Waiting for what a build says, by following its log: no time is guessed.
enum Stream {
  struct Ended: Error, CustomStringConvertible {
    var description: String
  }

  static func wait(for text: String, of build: String, _ server: ServerProcess) async throws {
    let call: JSON = [
      "rpc": "StreamBuildLogs", "requests": [["buildId": .string(build), "fromStart": true]], "until": .string(text),
    ]
    let answers = try await Python.call(server, [call])
    guard answers[0].messages.last?["line"].string?.contains(text) == true else {
      throw Ended(description: "the log ended without '\(text)': \(answers[0].all)")
    }
  }
}
