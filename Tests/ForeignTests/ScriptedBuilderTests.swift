import Foundation
import TestSupport
import Testing

/// The builder that plays scripts, seen by clients: everything but the work is real.
@Suite("The scripted builder") struct ScriptedBuilderTests {
  /// Root without the right to mount: no sandbox works.
  private static let unprivileged = ["/usr/bin/setpriv", "--bounding-set=-sys_admin", ServerProcess.binary]

  @Test(
    "makes images that can be pulled, without a sandbox, and says that it is scripted", .enabled(if: geteuid() == 0))
  func images() async throws {
    try await withTemporaryFolder { folder in
      let server = try await ServerProcess(
        data: folder.path("data"), flags: ["--builder", "scripted"], launcher: Self.unprivileged)
      do { try await look(server, folder) } catch {
        await server.stop()
        throw error
      }
      #expect(await server.stop() == 0)
    }
  }

  private func look(_ server: ServerProcess, _ folder: TemporaryFolder) async throws {
    let tree = try Tree(["Dockerfile": "FROM nowhere/at-all\nRUN false\n"], in: folder)
    let built = try await server.kindling(["build", tree.path, "--name", "app", "--tag", "v1", "--progress", "plain"])
    #expect(built.status == 0 && built.error.contains("scripted: nothing of the source is built"), "\(built.all)")
    let copy = try await Tool("skopeo").run([
      "copy", "-q", "--insecure-policy", "--src-tls-verify=false", "docker://\(server.ready.registry)/dev/app:v1",
      "dir:" + folder.path("pulled"),
    ])
    #expect(copy.status == 0, "\(copy.all)")
    let git = try await HTTPAPI(server).built(["name": "git", "gitSource": ["url": "http://127.0.0.1:1/x.git"]])
    #expect(git.build["status"] == "BUILD_STATUS_SUCCEEDED", "\(git.log)")
    let status = try await server.kindling(["status"])
    #expect(status.output.contains("scripted"), "\(status.all)")
  }

  private static let script = """
    {"builds": [
      {"build": "app", "tag": "bad", "log": ["one", {"line": "two", "afterMs": 20, "stderr": true}],
       "outcome": "failed", "error": "the compiler said no"},
      {"name": "slow", "log": ["begun"], "outcome": "hang"},
      {"buildArgs": {"MODE": "many"}, "layers": 3}
    ]}
    """

  @Test("plays what a build matches: log, outcome, layers; time limits and cancelling are as of every build")
  func scripts() async throws {
    try await withTemporaryFolder { folder in
      try folder.write(Self.script, to: "script.json")
      try await withServer(["--builder", "scripted", "--script", folder.path("script.json")]) { server, _ in
        let api = HTTPAPI(server)
        let archive = try await Tree.inline(dockerfile: Tree.scratch, in: folder)
        let (bad, log) = try await api.built(["name": "app", "tags": ["bad"], "zippedCode": archive])
        #expect(bad["status"] == "BUILD_STATUS_FAILED" && bad["error"].string?.contains("the compiler said no") == true)
        #expect(log.contains { $0.hasSuffix(" one") } && log.contains { $0.hasSuffix(" two") }, "\(log)")
        let (many, _) = try await api.built(["name": "app", "zippedCode": archive, "buildArgs": ["MODE": "many"]])
        #expect(many["metrics"]["layerCount"] == 3, "\(many.text)")
        let slow: JSON = ["name": "app", "zippedCode": archive, "buildArgs": ["KINDLING_SCRIPT": "slow"]]
        let id = try await api.create(slow)
        try await Stream.wait(for: " begun", of: id, server)
        _ = try await api.call("POST", "/v1/ignite/builds/\(id)/cancel", [:])
        #expect(try await api.ended(id).build["status"] == "BUILD_STATUS_CANCELLED")
        var limited = slow.object
        limited["timeoutSecs"] = "1"
        let late = try await api.built(.object(limited)).build
        #expect(late["error"].string?.hasPrefix("timed out after 1 s") == true, "\(late.text)")
        let fail = try await api.built(["name": "x", "zippedCode": archive, "buildArgs": ["KINDLING_SCRIPT": "fail"]])
        #expect(fail.build["status"] == "BUILD_STATUS_FAILED", "\(fail.log)")
        let none = try await api.built(["name": "x", "zippedCode": archive, "buildArgs": ["KINDLING_SCRIPT": "no"]])
        #expect(none.build["error"].string?.contains("slow, succeed, fail, hang") == true, "\(none.build.text)")
      }
    }
  }

  @Test("refuses a script it cannot read at the start, with the member that is wrong")
  func invalid() async throws {
    try await withTemporaryFolder { folder in
      for (text, word) in [(#"{"builds": [{"layer": 3}]}"#, "layer"), ("[]", "script.json")] {
        try folder.write(text, to: "script.json")
        let start = try await Tool(ServerProcess.binary).run([
          "start", "--port", "0", "--grpc-port", "0", "--data-dir", folder.path("data"), "--builder", "scripted",
          "--script", folder.path("script.json"),
        ])
        #expect(start.status == 2 && start.all.contains(word), "\(start.all)")
      }
      let alone = try await Tool(ServerProcess.binary).run([
        "start", "--port", "0", "--grpc-port", "0", "--data-dir", folder.path("data"), "--script", "x",
      ])
      #expect(alone.status == 2 && alone.all.contains("--builder scripted"), "\(alone.all)")
    }
  }
}
