import Foundation
import TestSupport
import Testing

/// A shared cache whose entries somebody damaged, or made to harm.
@Suite("executor's shared cache, damaged") struct HostileCacheTests {
  /// A layout with one entry, taken apart.
  struct Layout: Sendable {
    var path: String

    func blob(_ digest: JSON) -> String {
      path + "/blobs/sha256/" + (digest.string ?? "").replacingOccurrences(of: "sha256:", with: "")
    }
    func read(_ file: String) throws -> JSON { try JSON(text: String(contentsOfFile: file, encoding: .utf8)) }

    private func store(_ document: JSON) async throws -> (digest: JSON, size: JSON) {
      let text = document.text
      let sum = try await Tool("sha256sum").run([], input: Data(text.utf8))
      let digest: JSON = .string("sha256:" + sum.output.prefix(64))
      try Data(text.utf8).write(to: URL(fileURLWithPath: blob(digest)))
      return (digest, .number(Double(text.utf8.count)))
    }

    /// Changes the documents and all digests above them, so that nothing shows but what was changed.
    func forge(manifest: (inout JSON) -> Void = { _ in }, config: (inout JSON) -> Void = { _ in }) async throws {
      var index = try read(path + "/index.json")
      var entry = index["manifests"][0]
      var document = try read(blob(entry["digest"]))
      var image = try read(blob(document["config"]["digest"]))
      config(&image)
      (document["config"]["digest"], document["config"]["size"]) = try await store(image)
      manifest(&document)
      (entry["digest"], entry["size"]) = try await store(document)
      index["manifests"] = [entry]
      try Data(index.text.utf8).write(to: URL(fileURLWithPath: path + "/index.json"))
    }

    /// The layer's file.
    func layer() throws -> String {
      let entry = try read(path + "/index.json")["manifests"][0]
      return blob(try read(blob(entry["digest"]))["layers"][0]["digest"])
    }
  }

  private static let forged: [(name: String, says: String, manifest: @Sendable (inout JSON) -> Void)] = [
    ("two layers", "it has 2 layers", { $0["layers"] = [$0["layers"][0], $0["layers"][0]] }),
    ("no layer", "it has 0 layers", { $0["layers"] = [] }),
    (
      "a foreign layer", "foreign",
      { document in
        var layer = document["layers"][0]
        layer["mediaType"] = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
        document["layers"] = [layer]
      }
    ),
    (
      "a huge layer", "more than an entry may hold",
      { document in
        var layer = document["layers"][0]
        layer["size"] = .number(1e15)
        document["layers"] = [layer]
      }
    ),
    ("a chart", "its configuration is", { $0["config"]["mediaType"] = "application/vnd.cncf.helm.config.v1+json" }),
  ]

  @Test("entries that are none are told, made anew and mended")
  func entries() async throws {
    try await withTemporaryFolder { folder in
      let shop = try await ExecutorWorkshop("FROM scratch\nCOPY base.tar /\n", in: folder)
      func build(_ machine: String, _ place: String) async throws -> Tool.Result {
        try await shop.run([
          "-c", "ctx", "--no-push", "--cache", "--cache-repo", "oci:" + place, "--cache-copy-layers", "--kaniko-dir",
          folder.path("machines/" + machine),
        ])
      }
      func isCached(_ result: Tool.Result) -> Bool { result.error.contains("Using caching version of cmd") }
      let first = try await build("first", "good")
      #expect(first.status == 0 && !isCached(first), "\(first.all)")

      func check(_ name: String, _ says: String, _ harm: (Layout) async throws -> Void) async throws {
        let place = name.replacingOccurrences(of: " ", with: "-")
        try FileManager.default.copyItem(atPath: folder.path("good"), toPath: folder.path(place))
        try await harm(Layout(path: folder.path(place)))
        let built = try await build(place, place)
        #expect(built.status == 0 && !isCached(built), "\(name): \(built.all)")
        let warnings = built.error.split(separator: "\n").filter { $0.hasPrefix("WARN") }
        #expect(warnings.count == 1 && warnings[0].contains(says), "\(name): \(built.all)")
        let mended = try await build(place + "-again", place)
        #expect(mended.status == 0 && isCached(mended), "\(name): \(mended.all)")
      }

      for (name, says, change) in Self.forged {
        try await check(name, says) { try await $0.forge(manifest: change) }
      }
      let zeros: JSON = .string("sha256:" + String(repeating: "0", count: 64))
      try await check("another diffID", "unpacks to other content") { layout in
        try await layout.forge(config: { $0["rootfs"]["diff_ids"] = [zeros] })
      }
      try await check("another step", "it is not the entry of this step") { layout in
        try await layout.forge(config: { $0["config"]["Labels"] = ["dev.kindling.step": zeros] })
      }
      try await check("no date", "does not say when") { layout in
        try await layout.forge(config: { $0["created"] = "soon" })
      }
      try await check("no layer's file", "is not in 'oci:") { layout in
        try FileManager.default.removeItem(atPath: try layout.layer())
      }
      try await check("a size below zero", "cannot have -2 bytes") { layout in
        let path = layout.path + "/index.json"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        let harmed = text.replacing(/"size":\s*[0-9]+/, with: #""size":-2"#)
        try harmed.write(toFile: path, atomically: true, encoding: .utf8)
      }
      try await check("a layer of other bytes", "sha256:") { layout in
        let path = try layout.layer()
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(fileURLWithPath: path))
      }
      try await check("a longer layer", "sha256:") { layout in
        let path = try layout.layer()
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        try (bytes + bytes).write(to: URL(fileURLWithPath: path))
      }
      try await check("no archive", "cannot be unpacked") { layout in
        // Named by its digest, and nothing that gzip could read.
        let bytes = Data([0x1f, 0x8b, 8, 0] + Array("no gzip at all".utf8))
        let sum = try await Tool("sha256sum").run([], input: bytes)
        let digest: JSON = .string("sha256:" + sum.output.prefix(64))
        try bytes.write(to: URL(fileURLWithPath: layout.blob(digest)))
        try await layout.forge(manifest: { document in
          var layer = document["layers"][0]
          (layer["digest"], layer["size"]) = (digest, .number(Double(bytes.count)))
          document["layers"] = [layer]
        })
      }
    }
  }

  @Test("a pipe in a file's place, and a lock that somebody else holds, cost a warning")
  func stuck() async throws {
    try await withTemporaryFolder { folder in
      let shop = try await ExecutorWorkshop("FROM scratch\nCOPY base.tar /\n", in: folder)
      func build(_ place: String, _ launcher: [String] = []) async throws -> Tool.Result {
        try await shop.run(
          [
            "-c", "ctx", "--no-push", "--cache=true", "--cache-copy-layers", "--kaniko-dir", folder.path("m-" + place),
            "--cache-repo", "oci:" + folder.path(place),
          ], launcher: launcher)
      }
      for place in ["pipe", "locked"] { #expect(try await build(place).status == 0) }
      try FileManager.default.removeItem(atPath: folder.path("pipe/index.json"))
      try await Tool("mkfifo").run([folder.path("pipe/index.json")]).expectSuccess()
      try FileManager.default.removeItem(atPath: folder.path("m-pipe"))
      let piped = try await build("pipe")
      #expect(piped.status == 0 && piped.error.contains("is no regular file"), "\(piped.all)")

      try folder.write("{\"schemaVersion\":2,\"manifests\":[]}", to: "locked/index.json")
      try FileManager.default.removeItem(atPath: folder.path("m-locked"))
      let hold = """
        import fcntl, subprocess, sys
        held = open(sys.argv[1], 'r+'); fcntl.lockf(held, fcntl.LOCK_EX)
        sys.exit(subprocess.run(sys.argv[2:]).returncode)
        """
      let locked = try await build("locked", ["python3", "-c", hold, folder.path("locked/oci-layout")])
      #expect(locked.status == 0 && locked.error.contains("cannot be locked"), "\(locked.all)")
    }
  }
}
