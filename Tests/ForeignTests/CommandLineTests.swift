import Foundation
import TestSupport
import Testing

/// The command line as scripts use it: output, exit status, names.
@Suite("command line") struct CommandLineTests {
  @Test("the exit status says what went wrong, and the failure comes as JSON for who asks")
  func exitCodes() async throws {
    try await withServer { server, folder in
      let good = try Tree(["Dockerfile": Tree.scratch], in: folder)
      let bad = try Tree(["Dockerfile": "FROM nothing\n"], in: folder)
      let odd = try Tree(["Dockerfile": "FRM scratch\n"], in: folder)
      let missing = "bld_01HZX9ABCDEFGHJKMNPQRSTVWX"
      let cases: [(words: [String], status: Int32, reason: String)] = [
        (["build", good.path, "--name", "good", "--progress", "quiet"], 0, ""),
        (["build", bad.path, "--name", "bad", "--progress", "quiet"], 1, ""),
        (["build", odd.path, "--name", "odd", "--progress", "quiet"], 1, ""),
        (["build", "cancel", "^2"], 1, "build-finished"),
        (["build", good.path, "--name", "Not/Good"], 2, "name-invalid"),
        (["build", good.path, "--name", "x", "--tag", "a b"], 2, "tag-invalid"),
        (["build", "create", "x"], 2, "usage"), (["build", "lst"], 2, ""), (["bild", "list"], 2, "command-unknown"),
        (["build", "list", "--limit", "0"], 2, "usage"), (["build", "list", "--token", "dev"], 3, "token-invalid"),
        (["build", "get", missing], 5, "build-unknown"), (["build", "get", "^9"], 5, "build-not-found"),
        (["build", "logs", missing], 5, "build-unknown"),
        (["build", "create", "x", "--context-id", "ctx_01HZX9ABCDEFGHJKMNPQRSTVWX"], 5, "context-unknown"),
        (["build", "create", "x", "--git-url", "file:///srv/x.git"], 2, "git-transport-refused"),
        (["build", "https://u:p@git.example/x.git"], 2, "git-address-credentials"),
        (["build", "list", "--api-endpoint", "127.0.0.1:1"], 9, "server-unreachable"),
        (["status", "--api-endpoint", "127.0.0.1:1"], 9, "server-unreachable"),
        (["image", "import", "x:1", good.path, "--api-endpoint", "127.0.0.1:1"], 9, "server-unreachable"),
      ]
      for (words, status, reason) in cases {
        let result = try await server.kindling(words + ["-o", "json"])
        #expect(result.status == status, "\(words): \(result.all)")
        guard status != 0, !reason.isEmpty else { continue }
        let letter = try JSON(text: result.error.split(separator: "\n").last.map(String.init) ?? "")
        #expect(letter["reason"] == .string(reason), "\(words): \(result.all)")
        #expect(result.output.isEmpty, "\(words): \(result.all)")
      }
    }
  }

  @Test("nobody is waited for where nobody listens")
  func nobody() async throws {
    let began = ContinuousClock.now
    let result = try await Tool(ServerProcess.binary).run(["status", "--api-endpoint", "127.0.0.1:1"])
    #expect(result.status == 9 && result.error.contains("kindling start"), "\(result.all)")
    #expect(began.duration(to: .now) < .seconds(8))
  }

  @Test("builds are made, listed, shown and logged, as tables and as the contract's JSON")
  func builds() async throws {
    try await withServer { server, folder in
      try await server.importBusybox()
      let tree = try Tree(
        ["Dockerfile": "FROM busybox\nARG WHO=nobody\nRUN printf 'hello %s\\n' $WHO\n"], in: folder)
      let built = try await server.kindling([
        "build", tree.path, "--name", "one", "--tag", "a", "--tag", "b", "--build-arg", "WHO=you", "--progress",
        "plain",
      ])
      try built.expectSuccess()
      #expect(built.output.hasPrefix("\(server.ready.registry)/dev/one:a@sha256:"), "\(built.all)")
      #expect(built.lines.count == 1)
      #expect(built.error.contains(" hello you\n"), "\(built.all)")
      let created = try await server.kindling([
        "build", "create", "two", "--context", tree.path, "--follow", "--progress", "quiet", "-o", "json",
      ])
      let two = try JSON(text: created.output)["build"]
      #expect(two["status"] == "BUILD_STATUS_SUCCEEDED" && two["name"] == "two", "\(created.all)")

      let list = try await server.kindling(["build", "list"])
      #expect(
        list.lines.count == 3 && list.lines[1].contains("two") && list.lines[2].contains("SUCCEEDED"), "\(list.all)")
      let newest = try JSON(text: try await server.kindling(["build", "get", "^0", "-o", "json"]).output)["build"]
      #expect(newest == two)
      let before = try JSON(text: try await server.kindling(["-o", "json", "build", "get", "^1"]).output)["build"]
      #expect(before["name"] == "one" && before["tags"] == ["a", "b"] && before["buildArgs"] == ["WHO": "you"])
      let id = try #require(before["buildId"].string)
      let byPrefix = try await server.kindling(["build", "get", String(id.prefix(29)), "-o", "json"])
      #expect(try JSON(text: byPrefix.output)["build"]["buildId"] == .string(id), "\(byPrefix.all)")
      let table = try await server.kindling(["build", "get", id])
      #expect(table.output.contains(id) && table.output.contains("SUCCEEDED"), "\(table.all)")
      let log = try await server.kindling(["build", "logs", id])
      #expect(log.lines.first == "queued" && log.output.contains(" hello you\n"), "\(log.all)")
      let page = try await server.kindling(["build", "list", "--limit", "1", "--status", "succeeded", "-o", "json"])
      #expect(try JSON(text: page.output)["builds"].array.count == 1)
      #expect(try JSON(text: page.output)["nextCursor"] != .null)
    }
  }

  @Test("it answers as 'kindling ignite', and under the vendor's names")
  func names() async throws {
    try await withServer { server, folder in
      for name in ["dodil", "ignite"] {
        try FileManager.default.createSymbolicLink(
          atPath: folder.path(name), withDestinationPath: ServerProcess.binary)
      }
      let tree = try Tree(["Dockerfile": Tree.scratch], in: folder)
      let environment = ["IGNITE_API_ENDPOINT": server.ready.grpc, "DODIL_TOKEN": server.token, "HOME": folder.path]
      for (program, words) in [
        (ServerProcess.binary, ["ignite"]), (folder.path("dodil"), ["ignite"]), (folder.path("ignite"), []),
      ] {
        let built = try await Tool(program).run(
          words + ["build", "create", "named", "--context", tree.path, "--tag", "v1", "--follow"],
          environment: environment)
        #expect(built.status == 0 && built.output.contains("/dev/named:v1@sha256:"), "\(program): \(built.all)")
        let list = try await Tool(program).run(words + ["build", "list", "-o", "json"], environment: environment)
        #expect(try JSON(text: list.output)["builds"][0]["name"] == "named", "\(program): \(list.all)")
      }
    }
  }

  @Test("a small directory goes inline, a large one is uploaded first, without being asked")
  func delivery() async throws {
    try await withServer { server, folder in
      let small = try Tree(["Dockerfile": Tree.scratch], in: folder)
      let large = try Tree(["Dockerfile": Tree.scratch], in: folder)
      try await Tool("dd").succeed([
        "if=/dev/urandom", "of=\(large.path)/noise", "bs=1M", "count=5", "status=none",
      ])
      for (tree, isUploaded) in [(small, false), (large, true)] {
        let created = try await server.kindling([
          "build", "create", "app", "--context", tree.path, "--follow", "-o", "json",
        ])
        let build = try JSON(text: created.output)["build"]
        #expect(build["status"] == "BUILD_STATUS_SUCCEEDED", "\(created.all)")
        #expect((build["contextId"] != .null) == isUploaded, "\(created.all)")
      }
      let upload = try await server.kindling(["build", "upload", "--folder", small.path, "--name", "ctx"])
      let id = try #require(upload.lines.last)
      let built = try await server.kindling(["build", "create", "again", "--context-id", id, "--follow"])
      #expect(built.status == 0, "\(built.all)")
      let atOnce = try await server.kindling(["build", "upload", "--folder", small.path, "--name", "once", "--build"])
      #expect(atOnce.status == 0 && atOnce.output.contains("/dev/once:latest@sha256:"), "\(atOnce.all)")
    }
  }

  @Test("tokens are for organisations, and each sees its own builds")
  func tokens() async throws {
    try await withServer { server, folder in
      let tree = try Tree(["Dockerfile": Tree.scratch], in: folder)
      let token = try await server.token(of: "acme")
      let built = try await server.kindling(
        ["build", tree.path, "--name", "theirs", "--progress", "quiet"], environment: ["DODIL_TOKEN": token])
      #expect(built.output.contains("/acme/theirs:latest@"), "\(built.all)")
      let ours = try await server.kindling(["build", "list", "-o", "json"])
      #expect(try JSON(text: ours.output) == [:], "\(ours.all)")
      let theirs = try await server.kindling(["build", "list", "-o", "json", "--token", token])
      #expect(try JSON(text: theirs.output)["builds"][0]["organizationName"] == "acme", "\(theirs.all)")
      let bad = try await server.kindling(["token", "--org", "No Such"])
      #expect(bad.status == 2 && bad.output.isEmpty, "\(bad.all)")
    }
  }

  @Test("images come in as a root file system, an OCI layout or a docker archive, as other tools write them")
  func imports() async throws {
    try await withServer { server, folder in
      let rootfs = try await Busybox.shared.archive()
      try await server.kindling(["image", "import", "busybox:latest", rootfs]).expectSuccess()
      let first = "docker://\(server.ready.registry)/dev/busybox:latest"
      try await Skopeo.copy(from: first, to: "oci:\(folder.path("layout")):latest")
      try await Skopeo.copy(from: first, to: "oci-archive:\(folder.path("layout.tar")):latest")
      try await Skopeo.copy(from: first, to: "docker-archive:\(folder.path("docker.tar")):busybox:latest")
      try await Tool("gzip").succeed(["-k", folder.path("docker.tar")])
      // umoci adds to the layout, as a tool that is not skopeo would.
      let layout = folder.path("layout")
      try await Tool("umoci").succeed(["config", "--image", "\(layout):latest", "--config.env", "BY=umoci"])
      try folder.write("", to: "tree/etc/kept")
      try await Tool("cp").succeed(["/bin/busybox", folder.path("tree/sh")])
      for (name, source) in [
        ("rootfs", rootfs), ("layout", layout), ("archive", folder.path("layout.tar")),
        ("docker", folder.path("docker.tar")), ("packed", folder.path("docker.tar.gz")), ("tree", folder.path("tree")),
      ] {
        let result = try await server.kindling(["image", "import", "\(name):v1", source])
        #expect(result.status == 0, "\(name): \(result.all)")
        let reference = try #require(result.lines.last)
        #expect(reference.contains("dev/\(name):v1@sha256:"), "\(result.all)")
        let inspect = try await Skopeo.run([
          "inspect", "--tls-verify=false", "--config", "docker://\(server.ready.registry)/dev/\(name):v1",
        ])
        #expect((inspect.output.contains("BY=umoci")) == (name == "layout"), "\(name): \(inspect.output)")
        guard name != "tree" else { continue }
        let tree = try Tree(["Dockerfile": "FROM \(name):v1\nRUN echo it runs\n"], in: folder)
        let built = try await server.kindling(["build", tree.path, "--name", "on-\(name)", "--progress", "plain"])
        #expect(built.status == 0 && built.error.contains(" it runs\n"), "\(name): \(built.all)")
      }
      try folder.write("no image", to: "text")
      for (source, status) in [("text", 2), ("nowhere", 2)] as [(String, Int32)] {
        let result = try await server.kindling(["image", "import", "bad:v1", folder.path(source)])
        #expect(result.status == status, "\(source): \(result.all)")
      }
      #expect(try await Leftovers.tags(of: "bad", server) == nil)
      #expect(try Leftovers.of(server) == [])
    }
  }
}
