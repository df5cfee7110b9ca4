import Foundation
import TestSupport
import Testing

/// `--cache-repo` and what goes with it: machines that are new each time, played by folders that are.
@Suite("executor's shared cache") struct SharedCacheTests {
  private static let dockerfile =
    ExecutorWorkshop.base
      + """
      WORKDIR /w
      ARG WORD
      RUN echo ran one; echo $WORD > one
      COPY src /src
      RUN echo ran two; cat /src/file > two
      RUN echo ran three
      """
  private static let words = ["--cache", "-c", "ctx", "--build-arg", "WORD=hushed"]

  /// Runs the executor on a machine of its own, with a checkout of its own time.
  private func build(
    _ shop: ExecutorWorkshop, on machine: String, _ more: [String], environment: [String: String] = [:]
  ) async throws -> Tool.Result {
    let seconds = 1_700_000_000 + Double(machine.utf8.reduce(0) { $0 * 7 + Int($1) })
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: seconds)], ofItemAtPath: shop.path + "/src/file")
    return try await shop.run(
      Self.words + ["--kaniko-dir", shop.folder.path("machines/" + machine)] + more, environment: environment)
  }

  private func withShop(_ body: @escaping @Sendable (ExecutorWorkshop) async throws -> Void) async throws {
    try await withTemporaryFolder { folder in
      let shop = try await ExecutorWorkshop(Self.dockerfile, in: folder)
      try folder.write("x", to: "ctx/src/file")
      try await body(shop)
    }
  }

  private static func ran(_ result: Tool.Result) -> [String] { result.lines.filter { $0.hasPrefix("ran ") } }
  private static let all = ["ran one", "ran two", "ran three"]

  private static func cached(_ result: Tool.Result) -> Int {
    result.error.components(separatedBy: "Using caching version of cmd").count - 1
  }
  private static func warnings(_ result: Tool.Result) -> [String] {
    result.error.split(separator: "\n").map(String.init).filter { $0.hasPrefix("WARN") }
  }

  @Test("a fresh machine runs nothing anew and makes the same image, from a registry or a layout", arguments: [0, 1])
  func fresh(place: Int) async throws {
    try await withShop { shop in
      let registry = place == 0 ? try await ForeignServer.docker(in: shop.folder) : nil
      defer { registry?.stop() }
      let repository = registry.map { $0.host + "/acme/steps" } ?? "oci:" + shop.folder.path("steps")
      let flags = ["--cache-repo", repository, "--cache-copy-layers", "--reproducible", "--digest-file", "d"]
      let output = ["--no-push", "--oci-layout-path", "image"]
      let first = try await build(shop, on: "one", flags + output)
      #expect(first.status == 0 && Self.ran(first) == Self.all && Self.warnings(first) == [], "\(first.all)")
      let digest = try shop.folder.read("d")
      let second = try await build(shop, on: "two", flags + output)
      #expect(second.status == 0 && Self.ran(second) == [] && Self.warnings(second) == [], "\(second.all)")
      #expect(Self.cached(second) == 6, "\(second.all)")
      #expect(try shop.folder.read("d") == digest)
      // What came from elsewhere is this machine's own from then on.
      let third = try await build(shop, on: "two", flags + output)
      #expect(Self.cached(third) == 6 && !third.error.contains("Checking for cached layer"), "\(third.all)")
      // A build in another format has layers of its own.
      let zstd = try await build(shop, on: "two", flags + output + ["--compression=zstd"])
      #expect(zstd.status == 0 && Self.ran(zstd) == Self.all, "\(zstd.all)")

      let entries = try await tags(of: repository)
      #expect(entries.count == 12, "\(entries)")
      let source = registry.map { "docker://\($0.host)/acme/steps:" } ?? repository + ":"
      for entry in entries {
        let seen = try await Tool("skopeo").succeed(["inspect", "--tls-verify=false", source + entry])
        let image = try JSON(text: seen.output)
        #expect(image["Layers"].array.count == 1 && image["Labels"] == ["dev.kindling.step": "sha256:\(entry)"])
        let config = try await Tool("skopeo").succeed(["inspect", "--config", "--tls-verify=false", source + entry])
        #expect(!config.output.contains("hushed") && !config.output.contains("echo"), "\(config.output)")
      }
    }
  }

  @Test("with Kaniko's usual flags the layers of commands are shared, whatever the checkout's times")
  func usual() async throws {
    try await withShop { shop in
      let repository = "oci:" + shop.folder.path("steps")
      let flags = ["--no-push", "--cache-repo", repository]
      let first = try await build(shop, on: "one", flags)
      #expect(first.status == 0 && Self.ran(first) == Self.all, "\(first.all)")
      #expect(try await tags(of: repository).count == 3)
      let second = try await build(shop, on: "two", flags)
      #expect(second.status == 0 && Self.ran(second) == [] && Self.cached(second) == 3, "\(second.all)")
      try shop.folder.write("y", to: "ctx/src/file")
      let changed = try await build(shop, on: "three", flags)
      #expect(Self.ran(changed) == ["ran two", "ran three"], "\(changed.all)")
      // Neither kind: nothing is asked and nothing sent.
      let none = try await build(shop, on: "four", flags + ["--cache-run-layers=false"])
      #expect(Self.ran(none) == Self.all && !none.error.contains("layer oci:"), "\(none.all)")
      let files = try await build(
        shop, on: "five",
        ["--no-push", "--cache-repo", "oci:files", "--cache-run-layers=false", "--cache-copy-layers"])
      #expect(Self.ran(files) == Self.all, "\(files.all)")
      #expect(try await tags(of: "oci:" + shop.folder.path("files")).count == 3)
    }
  }

  @Test("entries older than --cache-ttl are made anew, and so are this machine's own layers")
  func expiry() async throws {
    try await withShop { shop in
      let flags = ["--no-push", "--cache-repo", "oci:steps"]
      _ = try await build(shop, on: "one", flags)
      for machine in ["one", "two"] {
        let late = try await build(shop, on: machine, flags + ["--cache-ttl=1ns"])
        #expect(late.status == 0 && Self.ran(late) == Self.all, "\(late.all)")
        #expect(late.error.contains("more than --cache-ttl allows"), "\(late.all)")
      }
      let young = try await build(shop, on: "three", flags + ["--cache-ttl=1h30m"])
      #expect(Self.ran(young) == [] && Self.cached(young) == 3, "\(young.all)")
    }
  }

  @Test("--no-push-cache takes steps and leaves none")
  func readOnly() async throws {
    try await withShop { shop in
      let flags = ["--no-push", "--cache-repo", "oci:steps"]
      let first = try await build(shop, on: "one", flags + ["--no-push-cache"])
      #expect(first.status == 0 && Self.ran(first) == Self.all && Self.warnings(first) == [], "\(first.all)")
      #expect(!FileManager.default.fileExists(atPath: shop.folder.path("steps")))
      // A machine that has the layers itself fills a cache that does not.
      let second = try await build(shop, on: "one", flags)
      #expect(Self.ran(second) == [] && second.error.contains("Pushing layer oci:steps:"), "\(second.all)")
      let third = try await build(shop, on: "two", flags + ["--no-push-cache"])
      #expect(Self.ran(third) == [] && Self.cached(third) == 3, "\(third.all)")
    }
  }

  @Test("without --cache-repo steps lie below the destination, behind its login, which is told to nobody")
  func besideDestination() async throws {
    try await withShop { shop in
      let folder = shop.folder
      let users = try await Tool("htpasswd").run(["-Bbn", "me", "sesame"])
      try folder.write(users.output, to: "users")
      let registry = try await ForeignServer.docker(
        in: folder, more: "auth:\n  htpasswd: {realm: here, path: \(folder.path("users"))}")
      defer { registry.stop() }
      let login = Data("me:sesame".utf8).base64EncodedString()
      try folder.write(#"{"auths":{"\#(registry.host)":{"auth":"\#(login)"}}}"#, to: "docker/config.json")
      let known = ["DOCKER_CONFIG": folder.path("docker")]
      let flags = ["-d", "\(registry.host)/acme/app:1", "-d", "\(registry.host)/acme/other:1"]
      let first = try await build(shop, on: "one", flags, environment: known)
      #expect(first.status == 0 && Self.ran(first) == Self.all && Self.warnings(first) == [], "\(first.all)")
      let entries = try await tags(of: "\(registry.host)/acme/app/cache", ["--creds", "me:sesame"])
      #expect(entries.count == 3)
      let second = try await build(shop, on: "two", flags, environment: known)
      #expect(second.status == 0 && Self.ran(second) == [] && Self.cached(second) == 3, "\(second.all)")
      // Who may not look runs every step, and is told once.
      let stranger = try await build(
        shop, on: "three", ["--no-push", "--cache-repo", "\(registry.host)/acme/app/cache"])
      #expect(stranger.status == 0 && Self.ran(stranger) == Self.all, "\(stranger.all)")
      #expect(Self.warnings(stranger).count == 2, "\(stranger.all)")
      for result in [first, second, stranger] {
        #expect(!result.all.contains("sesame") && !result.all.contains(login), "\(result.all)")
      }
      try await Tool("skopeo").succeed([
        "inspect", "--tls-verify=false", "--creds", "me:sesame", "docker://\(registry.host)/acme/other:1",
      ])
    }
  }

  @Test("a place that cannot be had costs one warning")
  func noPlace() async throws {
    try await withShop { shop in
      try shop.folder.write("not a layout", to: "full/file")
      try shop.folder.write("{", to: "broken/index.json")
      try shop.folder.write("{}", to: "broken/oci-layout")
      for (place, text, warnings) in [
        ("127.0.0.1:1/acme/steps", "is not asked again", 1), ("oci:full", "is no OCI layout", 1),
        ("oci:broken", "is not the index of an OCI layout", 2),
      ] {
        let built = try await build(shop, on: "at-\(text.count)", ["--no-push", "--cache-repo", place])
        #expect(built.status == 0 && Self.ran(built) == Self.all, "\(place): \(built.all)")
        #expect(built.error.contains(text) && Self.warnings(built).count == warnings, "\(place): \(built.all)")
      }
      #expect(try shop.folder.read("broken/index.json") == "{")
      let idle = try await shop.run(["-c", "ctx", "--no-push", "--cache-repo", "oci:idle"])
      #expect(idle.error.contains("--cache-repo changes nothing without --cache"), "\(idle.all)")
      #expect(!FileManager.default.fileExists(atPath: shop.folder.path("idle")))
    }
  }

  @Test("a build that fails has shared what it made")
  func failing() async throws {
    try await withShop { shop in
      try shop.folder.write(Self.dockerfile + "\nRUN exit 3\n", to: "ctx/Dockerfile")
      let failed = try await build(shop, on: "one", ["--no-push", "--cache-repo", "oci:steps"])
      #expect(failed.status == 3, "\(failed.all)")
      try shop.folder.write(Self.dockerfile + "\nRUN echo ran four\n", to: "ctx/Dockerfile")
      let next = try await build(shop, on: "two", ["--no-push", "--cache-repo", "oci:steps"])
      #expect(next.status == 0 && Self.ran(next) == ["ran four"], "\(next.all)")
    }
  }

  @Test("executors that write to one layout at once lose nothing")
  func atOnce() async throws {
    try await withShop { shop in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for name in ["a", "b", "c"] {
          try shop.folder.write(
            Self.dockerfile + (0..<4).map { "\nRUN echo ran \(name)\($0) > /out" }.joined(), to: "ctx/\(name)")
          group.addTask {
            let built = try await shop.run(
              Self.words + [
                "--kaniko-dir", shop.folder.path("machines/" + name), "--no-push", "-f", name, "--cache-repo",
                "oci:steps",
              ])
            #expect(built.status == 0 && Self.warnings(built) == [], "\(built.all)")
          }
        }
        try await group.waitForAll()
      }
      // The steps above all Dockerfiles have are the same three, or as many as ran at once.
      let again = try await tags(of: "oci:" + shop.folder.path("steps"))
      #expect(Set(again).count == again.count && again.count >= 3 + 3 * 4, "\(again)")
      let left = try FileManager.default.contentsOfDirectory(atPath: shop.folder.path("steps")).sorted()
      #expect(left == ["blobs", "index.json", "oci-layout"])
    }
  }

  private func tags(of repository: String, _ flags: [String] = []) async throws -> [String] {
    guard repository.hasPrefix("oci:") else {
      let list = try await Tool("skopeo").succeed(
        ["list-tags", "--tls-verify=false"] + flags + ["docker://" + repository])
      return try JSON(text: list.output)["Tags"].array.compactMap(\.string)
    }
    let index = try String(contentsOfFile: repository.dropFirst(4) + "/index.json", encoding: .utf8)
    return try JSON(text: index)["manifests"].array.compactMap {
      $0["annotations"]["org.opencontainers.image.ref.name"].string
    }
  }
}
