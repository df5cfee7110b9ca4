import Foundation
import TestSupport
import Testing

/// Clients of registries beyond those of `RegistryTests`: several platforms, whole repositories, large content, at once.
@Suite("more registry clients") struct RegistryClientTests {
  @Test("skopeo copies, syncs and deletes images of several platforms, large and small, many at once")
  func skopeo() async throws {
    try await withServer { server, folder in
      let registry = server.ready.registry
      try await Multiarch.push(server, "dev/large", "v1", size: 60 << 20)
      for tag in ["v1", "v2", "v3"] { try await Multiarch.push(server, "dev/small", tag) }
      let raw = try await Skopeo.run(["inspect", "--raw", "--tls-verify=false", "docker://\(registry)/dev/large:v1"])
      #expect(try JSON(text: raw.output)["manifests"].array.count == 2)

      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<6 {
          group.addTask {
            let source = number == 0 ? "dev/large:v1" : "dev/small:v\(number % 3 + 1)"
            let layout = "oci:\(folder.path("layout-\(number)")):v1"
            try await Skopeo.copy(from: "docker://\(registry)/\(source)", to: layout, ["--multi-arch", "all"])
            try await Skopeo.copy(
              from: layout, to: "docker://\(registry)/dev/copy-\(number):v1",
              ["--multi-arch", "all", "--preserve-digests"])
          }
        }
        try await group.waitForAll()
      }
      for number in 0..<6 { #expect(try await Skopeo.tags("docker://\(registry)/dev/copy-\(number)") == ["v1"]) }

      try FileManager.default.createDirectory(atPath: folder.path("synced"), withIntermediateDirectories: true)
      let sync = ["sync", "--insecure-policy", "--all", "--src-tls-verify=false", "--dest-tls-verify=false"]
      try await Skopeo.run(
        sync + ["--src", "docker", "--dest", "dir", "\(registry)/dev/small", folder.path("synced")])
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("synced")).count == 3)
      try await Skopeo.run(sync + ["--src", "dir", "--dest", "docker", folder.path("synced"), "\(registry)/dev/back"])
      #expect(try await Skopeo.tags("docker://\(registry)/dev/back/small") == ["v1", "v2", "v3"])

      try await Skopeo.run(["delete", "--tls-verify=false", "docker://\(registry)/dev/small:v2"])
      #expect(try await Skopeo.tags("docker://\(registry)/dev/small") == ["v1", "v3"])
    }
  }

  @Test(
    "containerd's ctr pulls and pushes one platform and all of them",
    .enabled(if: geteuid() == 0, "containerd is root's"))
  func containerd() async throws {
    try await withServer { server, folder in
      let registry = server.ready.registry
      try await Multiarch.push(server, "dev/multi", "v1", size: 20 << 20)
      try await withContainerd { ctr in
        let pull = ["images", "pull", "--plain-http", "--snapshotter", "native"]
        try await ctr(pull + ["--platform", "linux/amd64", "\(registry)/dev/multi:v1"])
        try await ctr(pull + ["--all-platforms", "\(registry)/dev/multi:v1"])
        try await ctr(["images", "tag", "\(registry)/dev/multi:v1", "\(registry)/dev/again:v1"])
        try await ctr(["images", "push", "--plain-http", "\(registry)/dev/again:v1"])
      }
      let inspect = ["inspect", "--raw", "--tls-verify=false"]
      let (first, second) = (
        try await Skopeo.run(inspect + ["docker://\(registry)/dev/multi:v1"]).output,
        try await Skopeo.run(inspect + ["docker://\(registry)/dev/again:v1"]).output
      )
      #expect(first == second)
      try await Skopeo.copy(
        from: "docker://\(registry)/dev/again:v1", to: "oci:\(folder.path("oci")):v1", ["--multi-arch", "all"])
    }
  }

  @Test("oras pushes artifacts of files, whole and in chunks, and pulls them")
  func oras() async throws {
    try await withServer { server, folder in
      let result = try await Python.run("oras_client.py", [server.ready.registry, "dev/artifact", folder.path("oras")])
      #expect(result.status == 0 && result.lines.last == "ok", "\(result.all)")
    }
  }

  /// A containerd of this test's own; `body` gets its `ctr`.
  private func withContainerd(
    _ body: (([String]) async throws -> Void) async throws -> Void
  ) async throws {
    // A socket's path has at most 107 bytes.
    let root = "/tmp/ctrd-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: root) }
    let config = """
      version = 2
      root = "\(root)/root"
      state = "\(root)/state"
      disabled_plugins = ["io.containerd.grpc.v1.cri"]
      [grpc]
        address = "\(root)/socket"
      """
    try config.write(toFile: root + "/config.toml", atomically: true, encoding: .utf8)
    // The shell ends containerd with itself, and waits for its socket: containerd says nowhere else that it listens.
    let script = """
      containerd -c '\(root)/config.toml' 2> '\(root)/log' & pid=$!
      until [ -S '\(root)/socket' ]; do kill -0 $pid || exit 1; done
      echo listening; cat > /dev/null; kill $pid; wait $pid
      """
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", script]
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    let word = await ServerProcess.firstLine(of: output.fileHandleForReading)
    #expect(String(decoding: word, as: UTF8.self) == "listening\n")
    defer {
      try? input.fileHandleForWriting.close()
      process.waitUntilExit()
    }
    try await body { arguments in try await Tool("ctr").succeed(["-a", root + "/socket"] + arguments) }
  }
}
