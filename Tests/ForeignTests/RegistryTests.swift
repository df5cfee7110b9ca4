import Foundation
import TestSupport
import Testing

/// The registry as skopeo, podman, buildah, umoci and curl use it.
@Suite("registry clients") struct RegistryTests {
  @Test("skopeo pulls what was built, copies it on in both formats, lists and deletes tags")
  func skopeo() async throws {
    try await withServer { server, folder in
      let image = try await Self.build("app", server, folder)
      let pulled = folder.path("oci")
      try await Skopeo.copy(from: "docker://\(server.ready.registry)/dev/app:latest", to: "oci:\(pulled):latest")
      let digest = try await Skopeo.run(["inspect", "--format", "{{.Digest}}", "oci:\(pulled):latest"]).lines.first
      #expect(image.hasSuffix("@\(digest ?? "")"), "\(image)")
      let config = try JSON(text: try await Skopeo.run(["inspect", "--config", "oci:\(pulled):latest"]).output)
      #expect(config["config"]["Env"].array.contains("GREETING=hello"), "\(config.text)")
      #expect(config["config"]["Cmd"] == ["cat", "/srv/made"])

      let unpacked = folder.path("unpacked")
      try await Tool("umoci").succeed(["unpack", "--image", "\(pulled):latest", unpacked])
      #expect(try folder.read("unpacked/rootfs/srv/made") == "built hello\n")
      #expect(try folder.read("unpacked/rootfs/srv/file") == "a file\n")

      let copy = "docker://\(server.ready.registry)/dev/deep/er/copy"
      try await Skopeo.copy(from: "oci:\(pulled):latest", to: copy + ":oci")
      try await Skopeo.copy(from: "oci:\(pulled):latest", to: copy + ":docker", ["--format", "v2s2"])
      try await Skopeo.copy(from: copy + ":docker", to: "docker://\(server.ready.registry)/dev/third:1")
      let raw = try JSON(
        text: try await Skopeo.run(["inspect", "--raw", "--tls-verify=false", copy + ":docker"]).output)
      #expect(raw["mediaType"] == "application/vnd.docker.distribution.manifest.v2+json")
      #expect(try await Skopeo.tags(copy) == ["docker", "oci"])
      try await Skopeo.run(["delete", "--tls-verify=false", copy + ":oci"])
      #expect(try await Skopeo.tags(copy) == ["docker"])
      // The first one shares its content with the deleted one, and still has it.
      try await Skopeo.copy(
        from: "docker://\(server.ready.registry)/dev/app:latest", to: "oci:\(folder.path("again")):latest")
    }
  }

  @Test("a copy of an image keeps its digest, also through a docker archive")
  func digests() async throws {
    try await withServer { server, folder in
      let image = try await Self.build("app", server, folder)
      let digest = try #require(image.split(separator: "@").last)
      let source = "docker://\(server.ready.registry)/dev/app@\(digest)"
      let copy = "docker://\(server.ready.registry)/dev/copy:1"
      try await Skopeo.copy(from: source, to: copy, ["--preserve-digests"])
      let found = try await Skopeo.run(["inspect", "--tls-verify=false", "--format", "{{.Digest}}", copy]).lines
      #expect(found == [String(digest)])
    }
  }

  @Test("podman pulls, tags and pushes")
  func podman() async throws {
    try await withServer { server, folder in
      _ = try await Self.build("app", server, folder)
      let registry = server.ready.registry
      // podman refuses a run root of more than 50 characters, which a folder of this test's own has.
      let run = "/tmp/podman-\(UUID().uuidString.prefix(8))"
      defer { try? FileManager.default.removeItem(atPath: run) }
      let podman = ["--storage-driver", "vfs", "--root", folder.path("root"), "--runroot", run]
      let tool = try Tool("podman")
      try await tool.succeed(podman + ["pull", "-q", "--tls-verify=false", "\(registry)/dev/app:latest"])
      try await tool.succeed(podman + ["tag", "\(registry)/dev/app:latest", "\(registry)/dev/pod:1"])
      try await tool.succeed(podman + ["push", "-q", "--tls-verify=false", "\(registry)/dev/pod:1"])
      let command = try await tool.succeed(
        podman + ["image", "inspect", "\(registry)/dev/app:latest", "--format", "{{.Config.Cmd}}"])
      #expect(command.lines == ["[cat /srv/made]"])
      #expect(try await Skopeo.tags("docker://\(registry)/dev/pod") == ["1"])
    }
  }

  @Test("buildah builds on an image of ours, and we build on the one it pushed")
  func buildah() async throws {
    try await withServer { server, folder in
      _ = try await Self.build("app", server, folder)
      let registry = server.ready.registry
      let options = ["--storage-driver", "vfs", "--root", folder.path("root"), "--runroot", folder.path("run")]
      let tool = try Tool("buildah")
      let from = try await tool.succeed(options + ["from", "-q", "--tls-verify=false", "\(registry)/dev/app:latest"])
      let container = try #require(from.lines.last)
      let said = try await tool.succeed(
        options + [
          "run", "--isolation", "chroot", container, "--", "sh", "-c", "cat /srv/made; echo theirs > /srv/theirs",
        ])
      #expect(said.output == "built hello\n")
      try await tool.succeed(options + ["config", "--label", "by=buildah", container])
      try await tool.succeed(options + ["commit", "-q", container, "\(registry)/dev/theirs:1"])
      try await tool.succeed(options + ["push", "-q", "--tls-verify=false", "\(registry)/dev/theirs:1"])

      let tree = try Tree(["Dockerfile": "FROM theirs:1\nRUN cat /srv/made /srv/theirs > /srv/both\n"], in: folder)
      try await server.kindling(["build", tree.path, "--name", "both", "--progress", "quiet"]).expectSuccess()
      try await Skopeo.copy(from: "docker://\(registry)/dev/both:latest", to: "oci:\(folder.path("both")):latest")
      try await Tool("umoci").succeed(["unpack", "--image", "\(folder.path("both")):latest", folder.path("unpacked")])
      #expect(try folder.read("unpacked/rootfs/srv/both") == "built hello\ntheirs\n")
    }
  }

  @Test("organisations are apart where tokens are asked for, sent as a password or as a bearer")
  func organizations() async throws {
    try await withServer(["--registry-auth"]) { server, folder in
      let image = try await Self.build("app", server, folder)
      let digest = try #require(image.split(separator: "@").last)
      let (own, other) = (server.token, try await server.token(of: "acme"))
      let registry = server.ready.registry
      let source = "docker://\(registry)/dev/app:latest"
      let layout = "oci:\(folder.path("oci")):latest"
      try await Skopeo.copy(from: source, to: layout, ["--src-creds", "me:\(own)"])
      try await Skopeo.copy(from: layout, to: "docker://\(registry)/acme/app:basic", ["--dest-creds", "me:\(other)"])
      try await Skopeo.copy(
        from: layout, to: "docker://\(registry)/acme/app:bearer", ["--dest-registry-token", other])

      let inspect = ["inspect", "--tls-verify=false"]
      for (credentials, image) in [
        ([], source), (["--creds", "me:\(other)"], source), (["--registry-token", other], source),
        (["--creds", "me:\(own)"], "docker://\(registry)/acme/app:basic"), (["--creds", "me:wrong"], source),
        (["--creds", "me:\(try await Python.expiredToken(server))"], source),
      ] as [([String], String)] {
        let result = try await Tool("skopeo").run(inspect + credentials + [image])
        #expect(result.status != 0, "\(credentials) \(image): \(result.all)")
      }
      let push = try await Tool("skopeo").run(
        [
          "copy", "--insecure-policy", "--dest-tls-verify=false", "--dest-creds", "me:\(other)", layout,
          "docker://\(registry)/dev/app:stolen",
        ])
      #expect(push.status != 0 && push.error.contains("denied"), "\(push.all)")
      // A blob of another organisation can be neither read nor mounted by whoever knows its digest.
      let blob = try await server.http("GET", "/v2/acme/app/blobs/\(digest)", token: own)
      #expect(blob.status == 404, "\(blob)")
      let unshared = try await server.http(
        "POST", "/v2/acme/new/blobs/uploads/?mount=\(digest)&from=dev/app", body: "", token: other)
      #expect(unshared.status == 202, "\(unshared)")
      for (token, names) in [(own, ["dev/app", "dev/busybox"]), (other, ["acme/app"])] {
        let catalog = try await server.http("GET", "/v2/_catalog", token: token)
        #expect(try JSON(text: catalog.body)["repositories"].array.compactMap(\.string) == names)
      }
      let challenge = try await server.http("GET", "/v2/", token: nil)
      #expect(challenge.status == 401 && challenge.head.contains("Bearer realm=\"http://\(registry)/v2/token\""))
    }
  }

  @Test("curl reads parts of blobs, and uploads one in chunks")
  func chunks() async throws {
    try await withServer { server, folder in
      try folder.write((0..<30_000).map { String($0, radix: 36) }.joined(separator: ","), to: "blob")
      let bytes = try Data(contentsOf: URL(filePath: folder.path("blob")))
      let digest = "sha256:" + (try await Tool("sha256sum").run([folder.path("blob")])).output.prefix(64)
      let curl = Curl(server)
      let begun = try await curl.call("POST", "/v2/dev/chunked/blobs/uploads/")
      #expect(begun.status == 202, "\(begun)")
      var location = try #require(begun["location"])
      var offset = 0
      for size in [1, 65_536, bytes.count - 65_537] {
        try bytes[offset..<(offset + size)].write(to: URL(filePath: folder.path("piece")))
        let range = "Content-Range: \(offset)-\(offset + size - 1)"
        let sent = try await curl.call("PATCH", location, ["-H", range, "--data-binary", "@\(folder.path("piece"))"])
        offset += size
        #expect(sent.status == 202 && sent["range"] == "0-\(offset - 1)", "\(sent)")
        location = try #require(sent["location"])
        // The same piece again is at the wrong place now, and changes nothing.
        let again = try await curl.call("PATCH", location, ["-H", range, "--data-binary", "@\(folder.path("piece"))"])
        #expect(again.status == 416 && again["range"] == "0-\(offset - 1)", "\(again)")
      }
      let wrong = "sha256:" + String(repeating: "0", count: 64)
      let refused = try await curl.call("POST", "/v2/dev/chunked/blobs/uploads/?digest=\(wrong)", ["-d", "x"])
      #expect(refused.status == 400 && refused.body.contains("DIGEST_INVALID"), "\(refused)")
      let ended = try await curl.call("PUT", location + "?digest=\(digest)")
      #expect(ended.status == 201 && ended["docker-content-digest"] == digest, "\(ended)")

      let blob = "/v2/dev/chunked/blobs/\(digest)"
      for (range, part) in [
        ("0-0", 0..<1), ("10-19", 10..<20), ("\(bytes.count - 5)-", (bytes.count - 5)..<bytes.count),
        ("-7", (bytes.count - 7)..<bytes.count), ("100-999999999", 100..<bytes.count),
      ] {
        let answer = try await curl.call("GET", blob, ["-r", range])
        #expect(answer.status == 206 && answer.body == String(decoding: bytes[part], as: UTF8.self), "\(range)")
        #expect(answer["content-range"] == "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(bytes.count)", "\(range)")
      }
      let beyond = try await curl.call("GET", blob, ["-r", "\(bytes.count)-"])
      #expect(beyond.status == 416 && beyond["content-range"] == "bytes */\(bytes.count)", "\(beyond)")
      let head = try await curl.call("GET", blob, ["-I"])
      #expect(head.status == 200 && head["content-length"] == "\(bytes.count)" && head.body.isEmpty, "\(head)")
      #expect(try Leftovers.of(server) == [])
    }
  }

  /// An image with a file, a RUN and settings; answers with what the command line printed.
  private static func build(_ name: String, _ server: ServerProcess, _ folder: TemporaryFolder) async throws -> String {
    try await server.importBusybox()
    let dockerfile = """
      FROM busybox
      ENV GREETING=hello
      WORKDIR /srv
      COPY file .
      RUN echo built $GREETING > made
      CMD ["cat", "/srv/made"]
      """
    let tree = try Tree(["Dockerfile": dockerfile + "\n", "file": "a file\n"], in: folder)
    let built = try await server.kindling(["build", tree.path, "--name", name, "--progress", "quiet"])
    try built.expectSuccess()
    return built.lines.last ?? ""
  }
}

/// skopeo over plain HTTP.
enum Skopeo {
  @discardableResult
  static func run(_ arguments: [String]) async throws -> Tool.Result { try await Tool("skopeo").succeed(arguments) }

  static func copy(from source: String, to target: String, _ options: [String] = []) async throws {
    try await run(
      ["copy", "-q", "--insecure-policy", "--src-tls-verify=false", "--dest-tls-verify=false"] + options
        + [source, target])
  }

  static func tags(_ repository: String) async throws -> [String] {
    let list = try await run(["list-tags", "--tls-verify=false", repository])
    return try JSON(text: list.output)["Tags"].array.compactMap(\.string)
  }
}

/// Calls whose response's head matters; the registry's own paths, without a token.
struct Curl {
  struct Answer: CustomStringConvertible {
    var status: Int
    var head: [String: String]
    var body: String
    subscript(_ name: String) -> String? { head[name] }
    var description: String { "\(status) \(head) \(body.prefix(300))" }
  }

  private let server: ServerProcess
  init(_ server: ServerProcess) { self.server = server }

  func call(_ method: String, _ path: String, _ options: [String] = []) async throws -> Answer {
    let url = path.hasPrefix("http") ? path : server.ready.http + path
    let asks = options.contains("-I") ? [] : ["-X", method]
    let result = try await Tool("curl").succeed(
      ["-sS", "-i", "-H", "Expect:", "-H", "Content-Type: application/octet-stream"] + asks + options + [url])
    let text = result.output.replacing("\r\n", with: "\n")
    let end = text.firstRange(of: "\n\n")
    let lines = text[..<(end?.lowerBound ?? text.endIndex)].split(separator: "\n")
    var head: [String: String] = [:]
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      head[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
    }
    let status = lines.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return Answer(status: status, head: head, body: end.map { String(text[$0.upperBound...]) } ?? "")
  }
}
