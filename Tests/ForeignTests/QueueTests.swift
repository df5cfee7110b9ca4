import Foundation
import TestSupport
import Testing

/// The order of builds, and what is said about it, at the doors users use.
@Suite("queue") struct QueueTests {
  /// A build that prints `begun` and ends once another one has written the file, both in a cache they share.
  private func waiting(for file: String, then tail: String = "", in folder: TemporaryFolder) async throws -> JSON {
    try await Tree.inline(
      dockerfile: """
        FROM busybox
        RUN --mount=type=cache,id=meeting,target=/m printf 'be%s\\n' gun; \
        while [ ! -e /m/\(file) ]; do sleep 0.05; done\(tail)

        """, in: folder)
  }

  private func writing(_ file: String, in folder: TemporaryFolder) async throws -> JSON {
    try await Tree.inline(
      dockerfile: "FROM busybox\nRUN --mount=type=cache,id=meeting,target=/m touch /m/\(file); echo \(file) > /which\n",
      in: folder)
  }

  @Test("a waiting build says why and where it stands: in its log, 'build get', 'queue' and 'status'")
  func reasons() async throws {
    try await withServer(["--workers", "1"]) { server, folder in
      try await server.importBusybox()
      let api = HTTPAPI(server)
      let running = try await api.create(["name": "running", "zippedCode": try await waiting(for: "x", in: folder)])
      try await Stream.wait(for: " begun", of: running, server)
      let theirs = HTTPAPI(server, token: try await server.token(of: "acme"))
      let scratch = try await Tree.inline(dockerfile: Tree.scratch, in: folder)
      let second = try await api.create(["name": "second", "zippedCode": scratch])
      let third = try await api.create(["name": "third", "zippedCode": scratch])
      // Theirs came last and is their first: it goes before our second and third.
      let other = try await theirs.create(["name": "hidden", "zippedCode": scratch])
      let shown = try await server.kindling(["build", "get", third])
      #expect(
        shown.output.contains("place 3, waiting behind 2 builds, 1 of your organisation (1 of 1 busy)"), "\(shown.all)")
      let queue = try await server.kindling(["queue"])
      #expect(queue.lines.first == "1 of 1 worker busy, 3 waiting" && !queue.all.contains("hidden"), "\(queue.all)")
      #expect(queue.output.contains("running") && queue.output.contains("second"), "\(queue.all)")
      let status = try await server.kindling(["status"])
      #expect(status.status == 0 && status.output.contains("1 of 1 worker busy, 3 builds wait"), "\(status.all)")
      try await server.kindling(["queue", "pause"]).expectSuccess()
      let cancelled = try await api.call("POST", "/v1/ignite/builds/\(second)/cancel", [:])
      #expect(cancelled.json["status"] == "BUILD_STATUS_CANCELLED", "\(cancelled)")
      let (gone, log) = try await api.ended(second)
      #expect(gone["status"] == "BUILD_STATUS_CANCELLED" && gone["startedAtMs"] == .null, "\(gone.text)")
      #expect(log.first == "queued" && log[1] == "waiting for a free worker (1 of 1 busy)", "\(log)")
      _ = try await api.call("POST", "/v1/ignite/builds/\(running)/cancel", [:])
      let paused = try await server.kindling(["queue"])
      #expect(paused.output.contains("0 of 1 worker busy") && paused.output.contains("kindling queue resume"))
      let both = try await server.kindling(["queue", "workers", "2", "-o", "json"])
      #expect(try JSON(text: both.output)["workers"] == 2 && (try JSON(text: both.output)["paused"]) == true)
      try await server.kindling(["queue", "resume"]).expectSuccess()
      for (id, door) in [(third, api), (other, theirs)] {
        let (build, log) = try await door.ended(id)
        #expect(build["status"] == "BUILD_STATUS_SUCCEEDED", "\(log)")
        #expect(log.contains { $0.hasPrefix("waiting: the queue is paused since ") }, "\(log)")
      }
      for words in [["queue", "stop"], ["queue", "workers"], ["queue", "workers", "0"], ["queue", "workers", "65"]] {
        #expect(try await server.kindling(words).status == 2, "\(words)")
      }
    }
  }

  @Test("a pause outlives the server, and the next one says so at its start")
  func pauseOverRestart() async throws {
    try await withTemporaryFolder { folder in
      let first = try await ServerProcess(data: folder.path("data"))
      try await first.kindling(["queue", "pause"]).expectSuccess()
      let id = try await HTTPAPI(first).create([
        "name": "patient", "zippedCode": try await Tree.inline(dockerfile: Tree.scratch, in: folder),
      ])
      await first.kill()
      let second = try await ServerProcess(data: folder.path("data"))
      let status = try await second.kindling(["status"])
      #expect(status.status == 0 && status.output.contains("paused since"), "\(status.all)")
      let api = HTTPAPI(second)
      #expect(try await api.call("GET", "/v1/ignite/builds/\(id)").json["build"]["status"] == "BUILD_STATUS_PENDING")
      try await second.kindling(["queue", "resume"]).expectSuccess()
      #expect(try await api.ended(id).build["status"] == "BUILD_STATUS_SUCCEEDED")
      await second.stop()
    }
  }

  @Test("the build that ends last with success has the tag, whichever began first; one that fails moves nothing")
  func lastSuccess() async throws {
    try await withServer(["--workers", "2"]) { server, folder in
      try await server.importBusybox()
      let api = HTTPAPI(server)
      func order(_ archive: JSON) -> JSON { ["name": "app", "tags": ["v1", "v1", "v2", "v1"], "zippedCode": archive] }
      let slow = try await api.create(order(try await waiting(for: "quick", then: "; echo slow > /which", in: folder)))
      try await Stream.wait(for: " begun", of: slow, server)
      let (quick, log) = try await api.built(order(try await writing("quick", in: folder)))
      #expect(quick["status"] == "BUILD_STATUS_SUCCEEDED", "\(log)")
      #expect(quick["tags"] == ["v1", "v2"] && quick["imageRefs"].array.count == 2, "\(quick.text)")
      let (late, lateLog) = try await api.ended(slow)
      #expect(late["status"] == "BUILD_STATUS_SUCCEEDED", "\(lateLog)")
      let digest = try #require(lateLog.first { $0.hasPrefix("image: ") }?.split(separator: "@").last)
      let bad = try await Tree.inline(dockerfile: "FROM busybox\nRUN exit 3\n", in: folder)
      #expect(try await api.built(order(bad)).build["status"] == "BUILD_STATUS_FAILED")
      for tag in ["v1", "v2"] {
        let manifest = try await api.call("HEAD", "/v2/dev/app/manifests/\(tag)")
        #expect(manifest.head.lowercased().contains("docker-content-digest: \(digest)"), "\(manifest.head)")
      }
    }
  }

  @Test("the time limit does not count the waiting, ends FAILED with its seconds, and has a setting for all builds")
  func timeouts() async throws {
    try await withServer(["--workers", "1", "--build-timeout", "2s"]) { server, folder in
      try await server.importBusybox()
      let api = HTTPAPI(server)
      let endless = try await Tree.inline(dockerfile: "FROM busybox\nRUN sleep 600\n", in: folder)
      let usual = try await api.create(["name": "usual", "zippedCode": endless])
      // It waits two seconds, and may run for one.
      let patient = try await api.create([
        "name": "patient", "zippedCode": try await Tree.inline(dockerfile: Tree.scratch, in: folder),
        "timeoutSecs": "1",
      ])
      let own = try await api.create(["name": "own", "zippedCode": endless, "timeoutSecs": "1"])
      let (late, _) = try await api.ended(usual)
      #expect(late["status"] == "BUILD_STATUS_FAILED", "\(late.text)")
      #expect(late["error"].string?.hasPrefix("timed out after 2 s") == true, "\(late.text)")
      let duration = try #require(late["metrics"]["durationMs"].string.flatMap(Int.init))
      #expect((2000..<6000).contains(duration), "\(late.text)")
      #expect(try await api.ended(patient).build["status"] == "BUILD_STATUS_SUCCEEDED")
      let short = try await api.ended(own).build
      #expect(short["error"].string?.hasPrefix("timed out after 1 s") == true, "\(short.text)")
      let began = try #require(short["startedAtMs"].string.flatMap(Int.init))
      let ended = try #require(short["completedAtMs"].string.flatMap(Int.init))
      #expect(short["metrics"]["durationMs"].string == String(ended - began))
    }
  }
}
