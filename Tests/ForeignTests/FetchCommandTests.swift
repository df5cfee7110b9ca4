import Foundation
import TestSupport
import Testing

/// `kindling fetch` beside git: the same files, from the same servers.
@Suite("kindling fetch") struct FetchCommandTests {
  private static let password = "kindling-canary-41ab"

  private func fetch(_ arguments: [String], _ environment: [String: String] = [:]) async throws -> Tool.Result {
    try await Tool(ServerProcess.binary).run(["fetch"] + arguments, environment: environment)
  }

  /// A repository with what trees can hold, published; answers with its newest commit.
  private func publish(_ git: GitServer, in folder: TemporaryFolder, format: String = "sha1") async throws -> String {
    let work = try await GitWorkshop(folder.path("work"), format: format)
    try await work.commit(["old": "gone later", "web/a.txt": "a\n", "web/deep/er/b": "b", "bin/run": "#!/bin/sh\n"])
    try FileManager.default.removeItem(atPath: work.path + "/old")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: work.path + "/bin/run")
    try FileManager.default.createSymbolicLink(atPath: work.path + "/link", withDestinationPath: "web/a.txt")
    try FileManager.default.createSymbolicLink(atPath: work.path + "/web/out", withDestinationPath: "/etc/passwd")
    let large = String(repeating: "0123456789abcdef", count: 200_000)
    let commit = try await work.commit(["large": large, "web/ünï cödé": "name", "empty": ""])
    try await work.publish(to: git.folder + "/app.git")
    return commit
  }

  /// Names, kinds, modes and contents of everything in two folders are the same.
  private func expectSame(_ ours: String, _ theirs: String) async throws {
    let list =
      "cd \"$1\" && find . -name .git -prune -o -printf '%P %y %m %l\\n' | sort && find . -name .git -prune -o -type f -print0 | sort -z | xargs -0 sha256sum"
    let a = try await Tool("sh").run(["-c", list, "sh", ours])
    let b = try await Tool("sh").run(["-c", list, "sh", theirs])
    #expect(a.output == b.output && a.status == 0 && !a.output.isEmpty, "\(a.all)\n\(b.all)")
  }

  @Test(
    "brings the files that git clone brings, in either hash and whatever the server speaks",
    arguments: ["sha1", "sha256"], [true, false])
  func same(format: String, passesProtocol: Bool) async throws {
    var settings = GitServer.Settings()
    settings.passesProtocol = passesProtocol
    try await withGitServer(settings) { git in
      try await withTemporaryFolder { folder in
        let commit = try await publish(git, in: folder, format: format)
        let result = try await fetch([git.url("app.git"), folder.path("ours")])
        #expect(result.status == 0 && result.output == commit + "\n", "\(result.all)")
        #expect(result.error.contains("8 files"), "\(result.all)")
        try await Tool("git").succeed(["clone", "-q", git.url("app.git"), folder.path("theirs")])
        try await expectSame(folder.path("ours"), folder.path("theirs"))
        #expect(!FileManager.default.fileExists(atPath: folder.path("ours/.git")))
      }
    }
  }

  @Test("brings one directory, tells programs what came, and refuses a directory with something in it")
  func directory() async throws {
    try await withGitServer { git in
      try await withTemporaryFolder { folder in
        let commit = try await publish(git, in: folder)
        let words = [git.url("app.git"), folder.path("web"), "--dir", "web", "--ref", commit, "--json"]
        let result = try await fetch(words)
        #expect(result.status == 0, "\(result.all)")
        let said = try JSON(text: result.output)
        #expect(said["commit"] == .string(commit) && said["files"] == 4, "\(result.all)")
        try await Tool("git").succeed(["clone", "-q", git.url("app.git"), folder.path("theirs")])
        try await expectSame(folder.path("web"), folder.path("theirs/web"))
        let again = try await fetch(words)
        #expect(again.status != 0 && again.output.isEmpty, "\(again.all)")
        let letter = try JSON(text: again.error)
        #expect(letter["message"].string?.contains(folder.path("web")) == true && letter["hint"] != .null)
      }
    }
  }

  @Test("takes credentials from the environment and from the address, and shows them nowhere")
  func credentials() async throws {
    var settings = GitServer.Settings()
    settings.users = ["bot": Self.password]
    try await withGitServer(settings) { git in
      try await withTemporaryFolder { folder in
        let commit = try await publish(git, in: folder)
        let cases: [([String], [String: String], Int32)] = [
          ([git.url("app.git"), folder.path("a")], ["GIT_USERNAME": "bot", "GIT_PASSWORD": Self.password], 0),
          ([git.url("app.git"), folder.path("b")], ["GIT_USERNAME": "bot", "GIT_TOKEN": Self.password], 0),
          ([git.url("app.git", user: "bot:" + Self.password), folder.path("c"), "--keep-git-dir"], [:], 0),
          ([git.url("app.git"), folder.path("d")], [:], 3),
          ([git.url("app.git"), folder.path("e")], ["GIT_TOKEN": Self.password], 3),
          ([git.url("app.git", user: "bot:\(Self.password)x"), folder.path("f")], [:], 3),
        ]
        for (words, environment, status) in cases {
          let result = try await fetch(words, environment)
          #expect((result.status == 0) == (status == 0), "\(words): \(result.all)")
          #expect(status != 0 || result.output == commit + "\n", "\(words): \(result.all)")
          #expect(!result.all.contains(Self.password), "\(words)")
          #expect(FileManager.default.fileExists(atPath: words[1]) == (status == 0), "\(words): \(result.all)")
        }
        let found = try await Tool("grep").run(["-rlF", Self.password, folder.path("c")])
        #expect(found.status == 1, "\(found.all)")
      }
    }
  }

  @Test("with --keep-git-dir git finds the commit and a clean tree")
  func gitDirectory() async throws {
    try await withGitServer { git in
      try await withTemporaryFolder { folder in
        let commit = try await publish(git, in: folder)
        let result = try await fetch([git.url("app.git"), folder.path("ours"), "--keep-git-dir"])
        #expect(result.status == 0, "\(result.all)")
        let status = try await Tool("git").succeed(["status", "--porcelain"], in: folder.path("ours"))
        #expect(status.output.isEmpty, "\(status.all)")
        let log = try await Tool("git").succeed(["log", "-1", "--format=%H"], in: folder.path("ours"))
        #expect(log.lines == [commit])
        try await Tool("git").succeed(["fsck"], in: folder.path("ours"))
      }
    }
  }

  @Test("goes through the proxy that the environment names, and around it for hosts in NO_PROXY")
  func proxy() async throws {
    try await withGitServer { git in
      try await withTemporaryFolder { folder in
        let commit = try await publish(git, in: folder)
        let proxy = Process()
        let (input, output) = (Pipe(), Pipe())
        proxy.executableURL = URL(filePath: try Tool("python3").path)
        proxy.arguments = [
          URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Scripts/proxy.py").path, "\(git.port)",
        ]
        proxy.standardInput = input
        proxy.standardOutput = output
        async let ended = proxy.ended()
        let first = await ServerProcess.firstLine(of: output.fileHandleForReading)
        let port = String(decoding: first, as: UTF8.self).trimmingCharacters(in: .newlines)

        let url = "http://git.example/app.git"
        let through = try await fetch(
          [url, folder.path("a")], ["http_proxy": "http://u:p@127.0.0.1:\(port)", "no_proxy": ""])
        #expect(through.status == 0 && through.output == commit + "\n", "\(through.all)")
        let refused = try await fetch(
          [url, folder.path("b")], ["http_proxy": "http://u:wrong-one@127.0.0.1:\(port)", "no_proxy": ""])
        #expect(refused.status != 0 && !refused.all.contains("wrong-one"), "\(refused.all)")
        let dead = try await fetch([url, folder.path("b")], ["http_proxy": "http://127.0.0.1:1", "no_proxy": ""])
        #expect(dead.status == 9, "\(dead.all)")
        // Without the proxy there is no such host.
        let around = try await fetch(
          [url, folder.path("b")], ["http_proxy": "http://u:p@127.0.0.1:\(port)", "no_proxy": "git.example"])
        #expect(around.status != 0 && !around.error.contains("proxy did"), "\(around.all)")
        let here = try await fetch([git.url("app.git"), folder.path("b")], ["http_proxy": "http://127.0.0.1:1"])
        #expect(here.status == 0, "\(here.all)")
        try input.fileHandleForWriting.close()
        _ = try await ended
      }
    }
  }

  @Test("Ctrl-C ends it at once and leaves nothing")
  func interrupted() async throws {
    let stall = try StallServer()
    try await withTemporaryFolder { folder in
      try FileManager.default.createDirectory(atPath: folder.path("tmp"), withIntermediateDirectories: true)
      let process = Process()
      process.executableURL = URL(filePath: ServerProcess.binary)
      process.arguments = ["fetch", stall.url("x.git"), folder.path("target")]
      process.environment = ProcessInfo.processInfo.environment.merging(["TMPDIR": folder.path("tmp")]) { $1 }
      process.standardError = FileHandle.nullDevice
      async let status = process.ended()
      let connection = try await stall.asked()
      process.interrupt()
      await connection.gone()
      #expect(try await status == 130)
      #expect(!FileManager.default.fileExists(atPath: folder.path("target")))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("tmp")) == [])
    }
  }
}
