import Foundation
import TestSupport
import Testing

/// A file system that fills up below a server. To mount one takes root.
@Suite("disk", .enabled(if: geteuid() == 0, "mounting takes root")) struct DiskTests {
  /// Runs `body` with a server whose data directory is a file system of its own.
  private func withDisk(
    _ size: String, _ body: (ServerProcess, TemporaryFolder) async throws -> Void
  ) async throws {
    try await withTemporaryFolder { folder in
      let data = folder.path("data")
      try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
      try await Tool("mount").run(["-t", "tmpfs", "-o", "size=\(size)", "tmpfs", data]).expectSuccess()
      do {
        let server = try await ServerProcess(data: data, flags: ["--workers", "1"])
        do { try await body(server, folder) } catch {
          await server.stop()
          throw error
        }
        #expect(await server.stop() == 0)
      } catch {
        try await Tool("umount").run(["-l", data])
        throw error
      }
      try await Tool("umount").run(["-l", data]).expectSuccess()
    }
  }

  private func fill(_ server: ServerProcess) async throws {
    let dd = try await Tool("dd").run(["if=/dev/zero", "of=\(server.data)/filler", "bs=16k"])
    #expect(dd.error.contains("No space left"), "\(dd.all)")
  }

  @Test("with a full disk every door says so with the place and what to do, keeps nothing, and works again with space")
  func full() async throws {
    try await withDisk("64m") { server, folder in
      try await server.importBusybox()
      let api = HTTPAPI(server)
      let tree = try Tree(["Dockerfile": Tree.scratch, "noise": Self.noise(300_000)], in: folder)
      let archive = try await tree.inline()
      try await fill(server)

      let upload = try await server.kindling(["build", "upload", "--folder", tree.path, "--name", "ctx"])
      #expect(upload.status == 7 && upload.error.contains(server.data), "\(upload.all)")
      #expect(upload.error.contains("free some space"), "\(upload.all)")
      let created = try await api.call("POST", "/v1/ignite/builds", ["name": "app", "zippedCode": archive])
      #expect(created.json["code"] == 8 && created.body.contains(server.data), "\(created)")
      let secrets = try await api.call(
        "PUT", "/v1/ignite/builds/secrets", ["buildSecrets": ["tok": .string(Self.noise(500_000))]])
      #expect(secrets.json["code"] == 8 && secrets.body.contains("ledger.sqlite"), "\(secrets.body.prefix(500))")
      let begun = try await server.http("POST", "/v2/dev/pushed/blobs/uploads/", token: nil)
      let place = begun.head.split(separator: "\n").first { $0.lowercased().hasPrefix("location: ") }
        .map { String($0.dropFirst("location: ".count)).replacingOccurrences(of: server.ready.http, with: "") }
      let pushed = try await server.http(
        "PATCH", try #require(place), body: Self.noise(200_000), token: nil,
        headers: ["Content-Type: application/octet-stream"])
      // Not 429: clients of registries would try again and again.
      #expect(pushed.status == 507 && pushed.body.contains("free some space"), "\(pushed)")
      // The upload is over, and what came of it is gone.
      #expect(try FileManager.default.contentsOfDirectory(atPath: server.data + "/work/uploads").isEmpty)
      #expect(try await server.http("GET", try #require(place), token: nil).status == 404)
      let unready = try await server.http("GET", "/readyz", token: nil)
      #expect(unready.status == 503 && unready.body.contains("disk: full"), "\(unready)")
      #expect(try await api.call("GET", "/v1/ignite/builds").json["builds"].array.isEmpty)
      #expect(try FileManager.default.contentsOfDirectory(atPath: server.data + "/contexts").isEmpty)

      try FileManager.default.removeItem(atPath: server.data + "/filler")
      #expect(try await server.http("GET", "/readyz", token: nil).status == 200)
      let low = try await server.kindling(["status"])
      #expect(low.output.contains("low: ") && low.output.contains(" free for '\(server.data)'"), "\(low.all)")
      let (build, log) = try await api.built(["name": "app", "zippedCode": archive])
      #expect(build["status"] == "BUILD_STATUS_SUCCEEDED", "\(log)")
    }
  }

  @Test("a build that fills the disk is FAILED with the reason, its rest is gone, and the next one succeeds")
  func building() async throws {
    try await withDisk("64m") { server, folder in
      try await server.importBusybox()
      let api = HTTPAPI(server)
      let greedy = try await Tree.inline(
        dockerfile: "FROM busybox\nRUN dd if=/dev/urandom of=/big bs=1M count=500\n", in: folder)
      let (failed, log) = try await api.built(["name": "greedy", "zippedCode": greedy])
      #expect(failed["status"] == "BUILD_STATUS_FAILED", "\(failed.text)")
      #expect(log.contains { $0.contains("No space left on device") }, "\(log)")
      #expect(log.contains { $0.hasPrefix("failed: step 1") }, "\(log)")
      // The layer of what fits once and not twice.
      let twice = try await Tree.inline(
        dockerfile: "FROM busybox\nRUN dd if=/dev/urandom of=/big bs=1M count=38 2>/dev/null\n", in: folder)
      let (layer, layerLog) = try await api.built(["name": "twice", "zippedCode": twice])
      #expect(layer["status"] == "BUILD_STATUS_FAILED", "\(layerLog)")
      #expect(layer["error"].string?.contains("no space left for '\(server.data)") == true, "\(layer.text)")
      #expect(layer["error"].string?.contains("free some space") == true, "\(layer.text)")
      #expect(try Leftovers.of(server) == [])
      #expect(try await server.http("GET", "/readyz", token: nil).status == 200)
      let small = try await Tree.inline(dockerfile: "FROM busybox\nRUN echo x > /x\n", in: folder)
      let (build, words) = try await api.built(["name": "small", "zippedCode": small])
      #expect(build["status"] == "BUILD_STATUS_SUCCEEDED", "\(words)")
    }
  }

  @Test("before a build a disk that is nearly full gets room: what nothing names goes, then steps, the oldest first")
  func room() async throws {
    try await withDisk("64m") { first, folder in
      try await first.importBusybox()
      for name in ["one", "two"] {
        let dockerfile = "FROM busybox\nRUN dd if=/dev/urandom of=/\(name) bs=1M count=10 2>/dev/null\n"
        let archive = try await Tree.inline(dockerfile: dockerfile, in: folder)
        let (build, log) = try await HTTPAPI(first).built(["name": .string(name), "zippedCode": archive])
        #expect(build["status"] == "BUILD_STATUS_SUCCEEDED", "\(log)")
      }
      try await Skopeo.run(["delete", "--tls-verify=false", "docker://\(first.ready.registry)/dev/one:latest"])
      // A server that began just now knows of nobody who still wants what the first one served.
      #expect(await first.stop() == 0)
      let second = try await ServerProcess(data: first.data, flags: ["--workers", "1"])
      do {
        let free = try FileManager.default.attributesOfFileSystem(forPath: second.data)[.systemFreeSize] as? Int ?? 0
        let filler = try await Tool("fallocate").run(["-l", "\(free - (4 << 20))", second.data + "/filler"])
        #expect(filler.status == 0, "\(filler.all)")
        let before = try Self.large(second)
        let archive = try await Tree.inline(
          dockerfile: "FROM busybox\nRUN dd if=/dev/urandom of=/b bs=1M count=4 2>/dev/null\n", in: folder)
        let (build, log) = try await HTTPAPI(second).built(["name": "small", "zippedCode": archive])
        #expect(build["status"] == "BUILD_STATUS_SUCCEEDED", "\(log)")
        #expect(before == 2)
        // The deleted image's layer went; the other's stays, and so does the image.
        #expect(try Self.large(second) == 1)
        try await Skopeo.copy(
          from: "docker://\(second.ready.registry)/dev/two:latest", to: "oci:\(folder.path("oci")):latest")
      } catch {
        await second.stop()
        throw error
      }
      await second.stop()
    }
  }

  /// Blobs of ten megabytes and more.
  private static func large(_ server: ServerProcess) throws -> Int {
    let folder = server.data + "/oci/blobs/sha256"
    return try FileManager.default.contentsOfDirectory(atPath: folder).count { name in
      (try FileManager.default.attributesOfItem(atPath: "\(folder)/\(name)")[.size] as? Int ?? 0) > 10 << 20
    }
  }

  /// Text that no compression makes small.
  private static func noise(_ count: Int) -> String {
    let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789".utf8)
    return String(decoding: (0..<count).map { _ in letters[Int.random(in: letters.indices)] }, as: UTF8.self)
  }
}
