import Foundation
import TestSupport
import Testing

/// The command line's groups for apps, up to the moment an app is called.
@Suite("kindling app, draft, version") struct AppCommandTests {
  @Test("an app from its making to its end, by the vendor's commands")
  func lifetime() async throws {
    try await withServer { server, folder in
      try folder.write(Self.source, to: "app/Dockerfile")
      try folder.write("git stays here", to: "app/.git/config")
      let made = try await server.kindling([
        "app", "create", "hello", "--tier", "small", "--env", "A=b=c", "--description", "says hello",
      ])
      #expect(made.status == 0 && made.output == "dev:hello\n", "\(made.all)")
      let again = try await server.kindling(["fn", "create", "dev/hello"])
      #expect(again.status == 6, "\(again.all)")
      let listed = try await server.kindling(["function", "list"])
      #expect(listed.lines.last?.hasPrefix("dev:hello  CREATED") == true, "\(listed.all)")
      let shown = try await server.kindling(["app", "get", "dev:hello", "-o", "json"])
      let app = try JSON(text: shown.output)["app"]
      #expect(app["resourceTier"] == "RESOURCE_TIER_SMALL" && app["env"] == ["A": "b=c"], "\(shown.all)")
      let none = try await server.kindling(["draft", "status", "hello", "-o", "json"])
      #expect(none.output == "{\"status\":\"no draft\"}\n", "\(none.all)")

      let saved = try await server.kindling(["draft", "save", "hello", "--code", folder.path("app"), "-d", "left-pad"])
      #expect(saved.status == 0 && saved.output.hasPrefix("saved "), "\(saved.all)")
      #expect(saved.error.contains("left out: .git") && saved.error.contains("draft compile dev:hello"), "\(saved.all)")
      let compiled = try await server.kindling(["draft", "compile", "hello", "--follow"])
      #expect(compiled.status == 0 && compiled.error.contains("[stage-0] COPY"), "\(compiled.all)")
      #expect(compiled.lines.count == 1 && compiled.output.contains("/dev/hello:"), "\(compiled.all)")
      #expect(compiled.output.contains("@sha256:"), "\(compiled.all)")
      let logs = try await server.kindling(["draft", "compile-logs", "hello"])
      #expect(logs.status == 0 && logs.output.contains("[stage-0] COPY"), "\(logs.all)")
      let published = try await server.kindling(["draft", "publish", "hello"])
      #expect(published.status == 0, "\(published.all)")
      #expect(published.output == "http://hello-dev.ignite.localhost:\(Self.port(server))\n", "\(published.all)")
      #expect(published.error.contains("version 1 of dev:hello is published"), "\(published.all)")
      #expect(published.error.contains("Bearer $(kindling token)"), "\(published.all)")

      let versions = try await server.kindling(["version", "list", "hello"])
      #expect(versions.lines.count == 2 && versions.lines[1].contains("1  ACTIVE"), "\(versions.all)")
      let updated = try await server.kindling(["app", "update", "hello", "--tier", "large", "--env", "B=1"])
      #expect(updated.status == 0, "\(updated.all)")
      let second = try await server.kindling(["draft", "publish", "hello", "-o", "json"])
      #expect(try JSON(text: second.output)["version"].number == 2, "\(second.all)")
      let back = try await server.kindling(["version", "rollback", "hello", "1"])
      #expect(back.output == "version 1 is served\n", "\(back.all)")
      let other = try await server.kindling(["version", "test", "hello", "2"])
      #expect(other.status == 1 && other.error.contains("kindling version rollback dev:hello 2"), "\(other.all)")
      let unknown = try await server.kindling(["version", "get", "hello", "7"])
      #expect(unknown.status == 5, "\(unknown.all)")

      #expect(try await server.kindling(["app", "delete", "hello"]).output == "deleted\n")
      for words in [
        ["app", "get", "hello"], ["app", "state", "hello"], ["invoke", "hello"], ["app", "delete", "hello"],
      ] {
        let gone = try await server.kindling(words)
        #expect(gone.status == 5, "\(words): \(gone.all)")
      }
      let empty = try await server.kindling(["app", "list"])
      #expect(empty.output.isEmpty && empty.error.contains("kindling app deploy"), "\(empty.all)")
    }
  }

  @Test("deploy makes the app, builds, publishes and prints its address; again it changes what is given and no more")
  func deploy() async throws {
    try await withServer { server, folder in
      try folder.write(Self.source, to: "app/Dockerfile")
      let first = try await server.kindling([
        "app", "deploy", "hello", "--code", folder.path("app"), "--allow-unauthenticated", "--env", "A=1", "--tier",
        "small", "--runtime", "python", "--follow",
      ])
      #expect(first.status == 0, "\(first.all)")
      #expect(first.output == "http://hello-dev.ignite.localhost:\(Self.port(server))\n", "\(first.all)")
      #expect(first.error.contains("[stage-0] COPY") && first.error.contains("--runtime"), "\(first.all)")
      #expect(first.error.contains("curl http://hello-dev"), "\(first.all)")
      let second = try await server.kindling([
        "app", "deploy", "dev:hello", "--code", folder.path("app"), "--env", "B=2", "-o", "json",
      ])
      let answer = try JSON(text: second.output)
      #expect(second.status == 0 && answer["version"].number == 2 && second.error.isEmpty, "\(second.all)")
      #expect(answer["app"]["env"] == ["B": "2"] && answer["app"]["resourceTier"] == "RESOURCE_TIER_SMALL")
      #expect(answer["app"]["allowUnauthenticated"] == true, "\(second.all)")
    }
  }

  @Test("deploy fails with the reason, and what was served before goes on being served")
  func failing() async throws {
    try await withServer { server, folder in
      try folder.write(Self.source, to: "app/Dockerfile")
      let code = ["--code", folder.path("app")]
      try await server.kindling(["app", "deploy", "hello"] + code).expectSuccess()
      try folder.write("FROM scratch\nCOPY nothing /\nUSER 65532\nCMD [\"/x\"]\n", to: "app/Dockerfile")
      let failed = try await server.kindling(
        ["app", "deploy", "hello", "--env", "NEW=1", "--allow-unauthenticated"] + code)
      #expect(failed.status == 1 && failed.output.isEmpty, "\(failed.all)")
      #expect(
        failed.error.contains("nothing") && failed.error.contains("draft compile-logs dev:hello"), "\(failed.all)")
      let state = try await server.kindling(["app", "get", "hello", "-o", "json"])
      #expect(try JSON(text: state.output)["app"]["activeVersion"].number == 1, "\(state.all)")
      #expect(!state.output.contains("NEW") && !state.output.contains("allowUnauthenticated"), "\(state.all)")
      let cases: [(words: [String], status: Int32, word: String)] = [
        (["--image-ref", "nowhere:v9"], 1, "nowhere"), (["--code", folder.path("none")], 2, "there is no"),
        (["--git-url", "http://127.0.0.1:1/x.git", "--git-secret-ref", "none"], 5, "secret create none --type git"),
        (["--image-ref", "hello:latest", "--registry-secret-ref", "none"], 5, "--type registry"),
        (["--image-ref", "x", "--code", "."], 2, "exactly one"), ([], 2, "exactly one"),
        (code + ["--env", "=x"], 2, "no name"), (code + ["--health-path", "healthz"], 2, "'/'"),
        (code + ["--port", "70000"], 2, "65535"), (code + ["-f", "Nope"], 2, "--dockerfile-path"),
      ]
      for entry in cases {
        let refused = try await server.kindling(["app", "deploy", "hello"] + entry.words)
        #expect(refused.status == entry.status, "\(entry.words): \(refused.all)")
        #expect(refused.error.contains(entry.word) && refused.output.isEmpty, "\(entry.words): \(refused.all)")
      }
      let theirs = try await server.kindling(["app", "deploy", "acme:hello"] + code)
      #expect(theirs.status == 4, "\(theirs.all)")
    }
  }

  @Test("a deploy publishes its own code or nothing: another draft that is saved meanwhile stops it")
  func race() async throws {
    let stall = try StallServer()
    try await withServer { server, folder in
      try folder.write("FROM scratch\nADD \(stall.url("x")) /\nUSER 65532\nCMD [\"/x\"]\n", to: "slow/Dockerfile")
      try folder.write(Self.source, to: "app/Dockerfile")
      async let deploy = server.kindling(["app", "deploy", "hello", "--code", folder.path("slow"), "--debug"])
      let connection = try await stall.asked()
      try await server.kindling(["draft", "save", "hello", "--code", folder.path("app")]).expectSuccess()
      try await server.kindling(["build", "cancel", "^0"]).expectSuccess()
      await connection.gone()
      let stopped = try await deploy
      #expect(stopped.status == 1 && stopped.output.isEmpty, "\(stopped.all)")
      #expect(stopped.error.contains("ABORTED draft-changed"), "\(stopped.all)")
      #expect(stopped.error.contains("another deploy saved a draft"), "\(stopped.all)")
      let app = try JSON(text: try await server.kindling(["app", "get", "hello", "-o", "json"]).output)["app"]
      #expect(app["activeVersion"] == .null, "\(app.text)")
    }
  }

  @Test(
    "the vendor's commands that are not emulated say so and what to use instead",
    arguments: [
      ("execution logs exec_1 --follow", "app logs"), ("exec stream exec_1", "execution watch"),
      ("execution list hello", "execution get"), ("version code mov --version 1", "version get"),
    ])
  func unemulated(words: String, instead: String) async throws {
    let told = try await Tool(ServerProcess.binary).run(words.split(separator: " ").map(String.init))
    #expect(told.status == 1 && told.output.isEmpty && told.error.contains("not emulated"), "\(told.all)")
    #expect(told.error.contains("kindling \(instead)"), "\(told.all)")
    let letter = try await Tool(ServerProcess.binary).run(
      words.split(separator: " ").map(String.init) + ["-o", "json"])
    #expect(letter.error.contains(#""status":"UNIMPLEMENTED""#), "\(letter.all)")
  }

  @Test("a slot of the wrong type is refused where it is named, with what it is")
  func wrongSlots() async throws {
    try await withServer { server, _ in
      try await server.kindling(["secret", "create", "clone", "--type", "git", "--token", "t0ken"]).expectSuccess()
      try await server.kindling(
        ["secret", "create", "pull", "--type", "registry", "--username", "u", "--password", "pa55word"]
      ).expectSuccess()
      for (words, word) in [
        (["--image-ref", "ghcr.example/a/b:1", "--registry-secret-ref", "clone"], "'clone' is a git_secret"),
        (["--git-url", "http://127.0.0.1:1/x.git", "--git-secret-ref", "pull"], "'pull' is a registry_secret"),
      ] {
        let refused = try await server.kindling(["draft", "save", "hello"] + words)
        #expect(refused.status == 2 && refused.error.contains(word), "\(refused.all)")
        #expect(!refused.all.contains("t0ken") && !refused.all.contains("pa55word"))
      }
    }
  }

  /// An image of one file; nothing has to run to make it.
  private static let source = "FROM scratch\nCOPY Dockerfile /served\nUSER 65532\nEXPOSE 80\nCMD [\"/served\"]\n"

  private static func port(_ server: ServerProcess) -> String {
    server.ready.http.split(separator: ":").last.map { $0.filter(\.isNumber) } ?? ""
  }
}
