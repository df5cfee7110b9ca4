import Foundation
import TestSupport
import Testing

/// What goes and what stays, while the server serves.
@Suite("collection") struct CollectionTests {
  @Test("push, delete, collect, push the same and pull, by eight clients at once and with kills in between")
  func concurrent() async throws {
    let environment = ProcessInfo.processInfo.environment
    let cycles = environment["KINDLING_COLLECTION_CYCLES"] ?? "200"
    let kills = environment["KINDLING_COLLECTION_KILLS"] ?? "10"
    let seed = environment["KINDLING_COLLECTION_SEED"] ?? "\(Int.random(in: 1...999_999))"
    try await withTemporaryFolder { folder in
      let data = folder.path("data")
      try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
      let result = try await Python.run("collection.py", [ServerProcess.binary, data, cycles, kills, seed])
      print("collection: \(result.output)")
      #expect(result.status == 0, "KINDLING_COLLECTION_SEED=\(seed): \(result.all)")
    }
  }

  @Test("what an image or a step names stays; what a deleted image alone had goes, and its build makes it again")
  func builds() async throws {
    try await withServer { server, folder in
      try await server.importBusybox()
      let tree = try Tree(["Dockerfile": "FROM busybox\nRUN echo made > /made\n"], in: folder)
      let build = ["build", tree.path, "--name", "app", "--progress", "quiet"]
      let first = try await server.kindling(build)
      try first.expectSuccess()
      let digest = try #require(first.lines.last?.split(separator: "@").last.map(String.init))
      let before = try Self.blobs(server)

      // The image goes, the layer that its RUN made stays for the next build.
      let deleted = try await server.http("DELETE", "/v2/dev/app/manifests/\(digest)", token: nil)
      #expect(deleted.status == 202, "\(deleted)")
      let dry = try await Self.collect(server, ["--dry-run"])
      #expect(dry["dryRun"] == true && dry["blobs"] == 0 && (dry["waiting"].number ?? 0) >= 1, "\(dry.text)")
      let would = try await Self.collect(server, ["--dry-run", "--grace", "0"])
      #expect(try Self.blobs(server) == before, "a dry run takes nothing")
      let done = try await Self.collect(server, ["--grace", "0"])
      #expect(done["blobs"] == would["blobs"] && done["bytes"] == would["bytes"], "\(would.text) \(done.text)")
      // Its manifest and its configuration.
      #expect(before.subtracting(try Self.blobs(server)).count == 2, "\(done.text)")

      // Nothing of the step cache is kept: the step runs again.
      let steps = try await Self.collect(server, ["--grace", "0", "--steps", "0"])
      #expect(steps["steps"] == 1 && steps["blobs"] == 1, "\(steps.text)")
      let again = try await server.kindling(["build", tree.path, "--name", "app", "--progress", "plain"])
      #expect(again.status == 0 && !again.all.contains("cached"), "\(again.all)")
      try await Skopeo.copy(
        from: "docker://\(server.ready.registry)/dev/app:latest", to: "oci:\(folder.path("oci")):latest")
      try await Tool("umoci").succeed(["unpack", "--image", "\(folder.path("oci")):latest", folder.path("unpacked")])
      #expect(try folder.read("unpacked/rootfs/made") == "made\n")
      #expect(try Leftovers.of(server) == [])
    }
  }

  @Test("manifests without a tag stay unless a limit is given; with one, indexes and what they name go together")
  func untagged() async throws {
    try await withServer { server, folder in
      for name in ["kept", "moved"] { try await Multiarch.push(server, "dev/\(name)", "v1") }
      let copy = "docker://\(server.ready.registry)/dev/moved:v1"
      try await Skopeo.run(["delete", "--tls-verify=false", "docker://\(server.ready.registry)/dev/moved:v1"])
      // Deleted by its digest, as skopeo does, the index is gone; its two manifests are left.
      #expect(try await Self.collect(server, ["--grace", "0"])["untagged"] == 0)
      let done = try await Self.collect(server, ["--grace", "0", "--untagged", "0"])
      #expect(done["untagged"] == 2, "\(done.text)")
      #expect(try await Tool("skopeo").run(["inspect", "--tls-verify=false", "--raw", copy]).status != 0)
      try await Skopeo.copy(
        from: "docker://\(server.ready.registry)/dev/kept:v1", to: "oci:\(folder.path("oci")):v1",
        ["--multi-arch", "all"])
    }
  }

  @Test("a scrub sets damaged blobs aside; they are unknown then, and pushing them again heals")
  func scrub() async throws {
    try await withServer { server, folder in
      try await Multiarch.push(server, "dev/app", "v1")
      let layout = "oci:\(folder.path("oci")):v1"
      let image = "docker://\(server.ready.registry)/dev/app:v1"
      try await Skopeo.copy(from: image, to: layout)
      let layer = try JSON(text: try await Skopeo.run(["inspect", "--raw", layout]).output)["layers"].array.first
      let digest = try #require(layer?["digest"].string)
      let file = "\(server.data)/oci/blobs/sha256/\(digest.dropFirst(7))"
      // A byte turns over, as on a disk that forgets; the size stays.
      let handle = try FileHandle(forUpdating: URL(filePath: file))
      try handle.seek(toOffset: 1000)
      let byte = try #require(try handle.read(upToCount: 1)?.first)
      try handle.seek(toOffset: 1000)
      try handle.write(contentsOf: Data([byte ^ 1]))
      try handle.close()
      let found = try await server.kindling(["gc", "--scrub", "-o", "json"])
      #expect(found.status == 1, "\(found.all)")
      let report = try JSON(text: found.lines.last ?? "")
      #expect(report["scrub"]["broken"].array.compactMap { $0["digest"].string } == [digest], "\(report.text)")
      let blob = try await server.http("GET", "/v2/dev/app/blobs/\(digest)", token: nil)
      #expect(blob.status == 404 && blob.body.contains("set aside"), "\(blob.body)")
      #expect(FileManager.default.fileExists(atPath: "\(server.data)/quarantine/sha256-\(digest.dropFirst(7))"))

      try await Skopeo.copy(from: layout, to: image)
      try await Skopeo.copy(from: image, to: "oci:\(folder.path("again")):v1")
      let healed = try await server.kindling(["gc", "--scrub", "-o", "json"])
      #expect(healed.status == 0, "\(healed.all)")
      #expect(try JSON(text: healed.lines.last ?? "")["scrub"]["healed"].array == [.string(digest)], "\(healed.all)")
    }
  }

  @Test("the data directory is an OCI layout: skopeo and umoci open its tags, also after a kill")
  func layout() async throws {
    try await withTemporaryFolder { folder in
      let first = try await ServerProcess(data: folder.path("data"))
      try await first.importBusybox()
      try await Multiarch.push(first, "dev/multi", "v1")
      _ = try await Self.collect(first, [])
      let layout = first.data + "/oci"
      let inspected = try JSON(text: try await Skopeo.run(["inspect", "oci:\(layout):dev/busybox:latest"]).output)
      #expect(inspected["Os"] == "linux", "\(inspected.text)")
      try await Skopeo.copy(
        from: "oci:\(layout):dev/multi:v1", to: "oci:\(folder.path("copy")):v1", ["--multi-arch", "all"])
      let listed = try await Tool("umoci").succeed(["ls", "--layout", layout])
      #expect(Set(listed.lines) == ["dev/busybox:latest", "dev/multi:v1"], "\(listed.all)")
      try await Tool("umoci").succeed(["unpack", "--image", "\(layout):dev/busybox:latest", folder.path("unpacked")])
      #expect(FileManager.default.fileExists(atPath: folder.path("unpacked/rootfs/bin/busybox")))

      let copy = "docker://\(first.ready.registry)/dev/late:1"
      try await Skopeo.copy(from: "docker://\(first.ready.registry)/dev/busybox:latest", to: copy)
      await first.kill()
      let second = try await ServerProcess(data: folder.path("data"))
      #expect(await second.stop() == 0)
      try await Skopeo.run(["inspect", "oci:\(layout):dev/late:1"])
    }
  }

  @Test("a collection is asked for with an unrestricted token of the server's own organisation, and in its own words")
  func refused() async throws {
    try await withServer { server, _ in
      let other = try await server.token(of: "acme")
      for (token, query, status) in [
        (other, "", 403), (server.token, "?untagged=soon", 400), (server.token, "?all=true", 400),
        (server.token, "?grace=-1", 400), (server.token, "?dryRun=perhaps", 400),
      ] {
        let answer = try await server.http("POST", "/_kindling/gc" + query, body: "", token: token)
        #expect(answer.status == status, "\(query): \(answer)")
      }
      #expect(try await server.http("GET", "/_kindling/gc", token: server.token).status == 405)
      #expect(try await server.http("POST", "/_kindling/gc", body: "", token: nil).status == 401)
      let table = try await server.kindling(["gc"])
      #expect(table.status == 0 && table.output.contains("freed"), "\(table.all)")
    }
  }

  static func collect(_ server: ServerProcess, _ options: [String]) async throws -> JSON {
    let result = try await server.kindling(["gc", "-o", "json"] + options)
    try result.expectSuccess()
    return try JSON(text: result.lines.last ?? "")["collection"]
  }

  private static func blobs(_ server: ServerProcess) throws -> Set<String> {
    Set(try FileManager.default.contentsOfDirectory(atPath: server.data + "/oci/blobs/sha256"))
  }
}

/// An image of two platforms.
enum Multiarch {
  static func push(_ server: ServerProcess, _ name: String, _ tag: String, size: Int = 100_000) async throws {
    let result = try await Python.run("multiarch.py", [server.ready.http, name, tag, "\(size)"])
    #expect(result.status == 0, "\(result.all)")
  }
}
