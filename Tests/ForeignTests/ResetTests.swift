import Foundation
import TestSupport
import Testing

/// What emulators are asked for: back to the beginning, a beginning of one's own, and nothing left behind.
@Suite("reset and seed") struct ResetTests {
  private static let endless = "FROM busybox\nRUN printf 'be%s\\n' gun; sleep 600\n"

  @Test("a reset takes everything of everybody without a restart: builds are cancelled, tokens and readers live on")
  func reset() async throws {
    try await withServer(["--workers", "1"]) { server, folder in
      try await server.importBusybox()
      let api = HTTPAPI(server)
      let tree = try Tree(["Dockerfile": Tree.scratch], in: folder)
      let (done, _) = try await api.built(["name": "app", "zippedCode": try await tree.inline()])
      let theirs = HTTPAPI(server, token: try await server.token(of: "acme"))
      _ = try await theirs.built(["name": "app", "zippedCode": try await tree.inline()])
      let upload = try await server.kindling(["build", "upload", "--folder", tree.path, "--name", "ctx"])
      let context = try #require(upload.lines.last)
      _ = try await api.call("PUT", "/v1/ignite/builds/secrets", ["buildSecrets": ["tok": "s3cret"]])
      try await server.kindling(["queue", "pause"]).expectSuccess()
      try await server.kindling(["queue", "resume"]).expectSuccess()
      let running = try await api.create([
        "name": "running", "zippedCode": try await Tree.inline(dockerfile: Self.endless, in: folder),
      ])
      try await Stream.wait(for: " begun", of: running, server)
      let waiting = try await api.create(["name": "waiting", "zippedCode": try await tree.inline()])
      async let runningLog = api.call("GET", "/v1/ignite/builds/\(running)/logs/stream?fromStart=true")
      async let waitingLog = api.call("GET", "/v1/ignite/builds/\(waiting)/logs/stream?fromStart=true")
      try await Stream.wait(for: "waiting", of: waiting, server)

      let reset = try await server.kindling(["reset", "--yes"])
      #expect(reset.status == 0 && reset.output.contains("reset"), "\(reset.all)")
      // Whoever followed a build has seen its end.
      for log in [try await runningLog, try await waitingLog] {
        #expect(log.status == 200 && log.body.contains("cancelled"), "\(log)")
      }
      for door in [api, theirs] {
        #expect(try await door.call("GET", "/v1/ignite/builds").json["builds"].array.isEmpty)
        #expect(try await door.call("GET", "/v2/_catalog").json["repositories"].array.isEmpty)
      }
      #expect(try await api.call("GET", "/v1/ignite/builds/\(done["buildId"].string ?? "")").status == 404)
      let old = try await api.call(
        "POST", "/v1/ignite/builds", ["name": "x", "contextId": .string(context)])
      #expect(old.status == 404, "\(old)")
      #expect(try await server.http("GET", "/readyz", token: nil).status == 200)
      #expect(try Leftovers.of(server) == [])
      #expect(try FileManager.default.contentsOfDirectory(atPath: server.data + "/builds").isEmpty)
      // It works as at its first start, with numbers that never were, by both doors.
      let (again, log) = try await api.built(["name": "app", "zippedCode": try await tree.inline()])
      #expect(again["status"] == "BUILD_STATUS_SUCCEEDED" && again["buildId"] != done["buildId"], "\(log)")
      let calls = try await Python.call(server, [["rpc": "ListBuilds"]])
      #expect(calls[0].first["builds"].array.count == 1, "\(calls[0].all)")
      let based = try await Tree.inline(dockerfile: "FROM dev/busybox\nENV A=1\n", in: folder)
      #expect(try await api.built(["name": "nobase", "zippedCode": based]).build["status"] == "BUILD_STATUS_FAILED")
      await server.kill()
      let next = try await ServerProcess(data: server.data)
      #expect(try await HTTPAPI(next).call("GET", "/v1/ignite/builds").json["builds"].array.count == 2)
      await next.stop()
    }
  }

  @Test("a reset that keeps the cache forgets the builds and not what their steps made")
  func keepCache() async throws {
    try await withServer { server, folder in
      try await server.importBusybox()
      let api = HTTPAPI(server)
      let archive = try await Tree.inline(
        dockerfile: "FROM busybox\nRUN --mount=type=cache,target=/c echo x >> /c/n; cp /c/n /n\n", in: folder)
      #expect(try await api.built(["name": "a", "zippedCode": archive]).build["status"] == "BUILD_STATUS_SUCCEEDED")
      try await server.kindling(["reset", "--yes", "--keep-cache"]).expectSuccess()
      let gone = try await api.built(["name": "a", "zippedCode": archive])
      #expect(gone.build["status"] == "BUILD_STATUS_FAILED", "the base is an image, and images go: \(gone.log)")
      try await server.importBusybox()
      let (again, log) = try await api.built(["name": "a", "zippedCode": archive])
      #expect(again["metrics"]["cacheUsed"] == true, "\(log)")
    }
  }

  @Test("a reset is asked for, by the default organisation's own token and no page of another origin")
  func rights() async throws {
    try await withServer { server, folder in
      let api = HTTPAPI(server)
      let (kept, _) = try await api.built([
        "name": "app", "zippedCode": try await Tree.inline(dockerfile: Tree.scratch, in: folder),
      ])
      let unasked = try await server.kindling(["reset"])
      #expect(unasked.status == 2 && unasked.error.contains("kindling reset --yes"), "\(unasked.all)")
      let path = "/_kindling/reset"
      #expect(try await server.http("POST", path, token: nil).status == 401)
      #expect(try await server.http("GET", path, token: server.token).status == 405)
      #expect(try await server.http("POST", path + "?keep=all", token: server.token).status == 400)
      let theirs = try await server.http("POST", path, token: try await server.token(of: "acme"))
      #expect(theirs.status == 403 && theirs.body.contains("reset-not-yours"), "\(theirs.body)")
      let scoped = try await server.kindling(["token", "--scope", "CreateBuild"]).lines.first
      #expect(try await server.http("POST", path, token: scoped).status == 403)
      let page = try await server.http(
        "POST", path, token: server.token, headers: ["Origin: http://evil.example"])
      #expect(page.status == 403 && page.body.contains("cross-origin"), "\(page.body)")
      let list = try await api.call("GET", "/v1/ignite/builds").json["builds"].array
      #expect(list == [kept])
    }
  }

  @Test("a kill in the middle of a reset leaves everything or nothing, and the next start completes what was decided")
  func killed() async throws {
    try await withTemporaryFolder { folder in
      var server = try await ServerProcess(data: folder.path("data"))
      for delay in [0, 4, 12, 40] {
        try await server.importBusybox()
        let current = server
        async let reset = current.http("POST", "/_kindling/reset", token: current.token)
        // A moment of the reset, or just before or after it.
        try await Task.sleep(for: .milliseconds(delay + Int.random(in: 0...8)))
        await server.kill()
        _ = try await reset
        server = try await ServerProcess(data: folder.path("data"))
        #expect(!FileManager.default.fileExists(atPath: folder.path("data/reset")))
        let images = try await HTTPAPI(server).call("GET", "/v2/_catalog").json["repositories"].array
        #expect([["dev/busybox"], []].contains(images), "\(images)")
        if !images.isEmpty {
          let whole = "oci:\(folder.path("whole-\(delay)")):latest"
          try await Skopeo.copy(from: "docker://\(server.ready.registry)/dev/busybox:latest", to: whole)
        }
      }
      // As a kill between the decision and the removal leaves it.
      try await server.importBusybox()
      await server.kill()
      try folder.write("everything", to: "data/reset")
      try folder.write("half", to: "data/builds/bld_0/events.ndjson")
      server = try await ServerProcess(data: folder.path("data"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("data/builds")).isEmpty)
      #expect(try await HTTPAPI(server).call("GET", "/v2/_catalog").json["repositories"].array.isEmpty)
      await server.stop()
    }
  }

  @Test(
    "a seed is applied before the server says that it is ready, once, and again after a reset; what fails says where")
  func seed() async throws {
    try await withTemporaryFolder { folder in
      try folder.write("", to: "seed/images/broken/v1.tar")
      try FileManager.default.copyItem(
        atPath: try await Busybox.shared.archive(), toPath: folder.path("seed/images/busybox.tar"))
      try folder.write(#"{"buildSecrets": {"tok": "s3cret"}}"#, to: "seed/secrets.json")
      try folder.write(
        "FROM busybox\nRUN --mount=type=secret,id=tok [ $(cat /run/secrets/tok | wc -c) = 6 ]\n",
        to: "seed/builds/app/Dockerfile")
      let server = try await ServerProcess(data: folder.path("data"), flags: ["--seed", folder.path("seed")])
      #expect(server.ready.warnings.contains { $0.contains("images/broken/v1.tar") }, "\(server.ready.warnings)")
      let status = try await server.kindling(["status"])
      #expect(status.status == 0 && status.output.contains("seed/builds/app"), "\(status.all)")
      let verbose = try JSON(text: try await server.http("GET", "/readyz?verbose", token: nil).body)
      let parts = verbose["parts"].array.filter { $0["name"].string?.hasPrefix("seed/") == true }
      #expect(parts.map { $0["ok"] } == [true, false, true, true], "\(parts)")
      #expect(parts[1]["detail"].string?.contains(folder.path("seed/images/broken/v1.tar")) == true, "\(parts[1])")
      let api = HTTPAPI(server)
      let builds = try await api.call("GET", "/v1/ignite/builds").json["builds"].array
      #expect(builds.map { $0["status"] } == ["BUILD_STATUS_SUCCEEDED"], "\(builds)")
      #expect(!verbose.text.contains("s3cret"))
      let reset = try await server.kindling(["reset", "--yes"])
      #expect(reset.status == 1 && reset.output.contains("broken/v1.tar"), "\(reset.all)")
      let after = try await api.call("GET", "/v1/ignite/builds").json["builds"].array
      #expect(after.count == 1 && after != builds, "\(after)")
      await server.stop()
      let next = try await ServerProcess(data: folder.path("data"), flags: ["--seed", folder.path("seed")])
      #expect(try await HTTPAPI(next).call("GET", "/v1/ignite/builds").json["builds"].array == after)
      await next.stop()
    }
  }

  @Test("a seed with something that means nothing keeps the server from starting, and says what")
  func oddSeed() async throws {
    try await withTemporaryFolder { folder in
      try folder.write("x", to: "seed/image/busybox.tar")
      for (seed, words) in [("seed", "seed/image'"), ("nowhere", "nowhere'")] {
        let failure = await #expect(throws: ServerProcess.StartFailed.self) {
          try await ServerProcess(data: folder.path("data"), flags: ["--seed", folder.path(seed)])
        }
        #expect(
          failure?.words.contains(words) == true && failure?.words.contains("images/") == true,
          "\(failure?.words ?? "")")
      }
    }
  }

  @Test("an ephemeral server leaves nothing, stopped or asked to")
  func ephemeral() async throws {
    try await withTemporaryFolder { folder in
      let process = Process()
      process.executableURL = URL(fileURLWithPath: ServerProcess.binary)
      process.arguments = ["start", "--port", "0", "--grpc-port", "0", "--json", "--ephemeral"]
      process.environment = ProcessInfo.processInfo.environment.merging(["TMPDIR": folder.path]) { $1 }
      let output = Pipe()
      process.standardOutput = output
      process.standardError = FileHandle.nullDevice
      try process.run()
      let ready = try JSON(
        text: String(decoding: await ServerProcess.firstLine(of: output.fileHandleForReading), as: UTF8.self))
      let data = try #require(ready["dataDirectory"].string)
      #expect(data.hasPrefix(folder.path), "\(ready.text)")
      let kindling = try Tool(ServerProcess.binary)
      let environment = ["KINDLING_DATA_DIR": data]
      try await kindling.run(["wait"], environment: environment).expectSuccess()
      let tree = try Tree(["Dockerfile": Tree.scratch], in: folder)
      try await kindling.run(["build", tree.path, "--name", "app"], environment: environment).expectSuccess()
      let ended = try await kindling.run(["wait", "^0"], environment: environment)
      #expect(ended.status == 0 && ended.output.contains("SUCCEEDED"), "\(ended.all)")
      let stopped = try await kindling.run(["stop"], environment: environment)
      #expect(stopped.status == 0 && stopped.output.contains("stopped"), "\(stopped.all)")
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasPrefix("kindling-") } == [])
    }
  }

  @Test("'wait' says what is missing when its time is over, and tells a build that failed; 'stop --now' interrupts")
  func waitAndStop() async throws {
    try await withTemporaryFolder { folder in
      let nobody = try await Tool(ServerProcess.binary).run(
        ["wait", "--timeout", "1s", "--data-dir", folder.path("nowhere"), "--api-endpoint", "127.0.0.1:1"])
      #expect(nobody.status == 8 && nobody.error.contains("no server"), "\(nobody.all)")
      let idle = try await Tool(ServerProcess.binary).run(["stop", "--data-dir", folder.path("nowhere")])
      #expect(idle.status == 9 && idle.error.contains("no server runs"), "\(idle.all)")
      let server = try await ServerProcess(data: folder.path("data"), flags: ["--stop-grace", "5m"])
      try await server.importBusybox()
      let api = HTTPAPI(server)
      let bad = try await api.create([
        "name": "bad", "zippedCode": try await Tree.inline(dockerfile: "FROM busybox\nRUN exit 3\n", in: folder),
      ])
      let failed = try await server.kindling(["wait", bad])
      #expect(failed.status == 1 && failed.output.contains("FAILED"), "\(failed.all)")
      let running = try await api.create([
        "name": "running", "zippedCode": try await Tree.inline(dockerfile: Self.endless, in: folder),
      ])
      try await Stream.wait(for: " begun", of: running, server)
      let late = try await server.kindling(["wait", running, "--timeout", "1s"])
      #expect(late.status == 8, "\(late.all)")
      try await server.kindling(["stop", "--now"]).expectSuccess()
      #expect([0, 130].contains(await server.stop()))
    }
  }
}
