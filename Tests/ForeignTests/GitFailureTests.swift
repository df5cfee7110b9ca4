import Foundation
import TestSupport
import Testing

/// What goes wrong with a git source, and what it must not touch.
@Suite("git sources that fail") struct GitFailureTests {
  private static let password = "kindling-canary-8f2c1d"

  private func request(_ url: String, _ reference: String = "", _ directory: String = "") -> JSON {
    [
      "name": "app",
      "gitSource": ["url": .string(url), "reference": .string(reference), "contextDir": .string(directory)],
    ]
  }

  private func repository(_ git: GitServer, _ name: String, in folder: TemporaryFolder) async throws -> GitWorkshop {
    let workshop = try await GitWorkshop(folder.path("workshop-" + name))
    try await workshop.commit(["Dockerfile": Tree.scratch, "web/a": "a", "web/b": "b"])
    try await workshop.publish(to: git.folder + "/\(name).git")
    return workshop
  }

  private static func save(_ user: String, _ password: String, _ api: HTTPAPI) async throws {
    let answer = try await api.call(
      "PUT", "/v1/ignite/builds/secrets",
      ["gitCredentials": ["username": .string(user), "password": .string(password)]])
    #expect(answer.status == 200, "\(answer)")
  }

  @Test("each is a FAILED build whose error says what was wrong and what is there")
  func failures() async throws {
    var settings = GitServer.Settings()
    settings.pages = ["/login"]
    try await withGitServer(settings) { git in
      try await withServer { server, folder in
        let workshop = try await repository(git, "app", in: folder)
        try await workshop.git("branch", "release")
        try await workshop.git("branch", "-m", "main", "trunk")
        try FileManager.default.removeItem(atPath: git.folder + "/app.git")
        try await workshop.publish(to: git.folder + "/app.git")
        let cases: [(JSON, [String])] = [
          // There is no main; the error names what the remote calls its own.
          (request(git.url("app.git")), ["'main'", "trunk"]), (request(git.url("app.git"), "relaese"), ["release"]),
          (request(git.url("app.git"), String(repeating: "0", count: 40)), ["000000"]),
          (request(git.url("app.git"), "trunk", "wbe"), ["wbe", "web"]),
          (request(git.url("app.git"), "trunk", "Dockerfile"), ["Dockerfile"]),
          (request(git.url("gone.git")), ["gone.git"]), (request(git.url("login/x.git")), ["git"]),
          (request("http://nowhere.invalid/x.git"), ["nowhere.invalid"]),
          (request("http://127.0.0.1:1/x.git"), ["127.0.0.1:1"]),
        ]
        for (request, words) in cases {
          let (build, log) = try await HTTPAPI(server).built(request)
          let error = build["error"].string ?? ""
          #expect(build["status"] == "BUILD_STATUS_FAILED", "\(request.text): \(log)")
          for word in words { #expect(error.contains(word), "\(request.text): \(error)") }
          #expect(!error.contains("internal"), "\(request.text): \(error)")
        }
        #expect(try Leftovers.of(server) == [])
      }
    }
  }

  @Test("a private repository is built with the organisation's credentials, which are seen nowhere")
  func credentials() async throws {
    try await withTemporaryFolder { other in
      let stranger = try await GitServer(folder: other.path)
      var settings = GitServer.Settings()
      settings.users = ["bot": Self.password]
      settings.redirects = ["/moved": stranger.url("").dropLast().description]
      do {
        try await withGitServer(settings) { git in
          try await withServer { server, folder in
            let workshop = try await repository(git, "app", in: folder)
            try await workshop.publish(to: stranger.folder + "/app.git")
            let api = HTTPAPI(server)
            let (without, _) = try await api.built(request(git.url("app.git")))
            #expect(without["error"].string?.contains("SaveBuildSecrets") == true, "\(without.text)")
            try await Self.save("bot", "wrong-canary-77", api)
            let (wrong, _) = try await api.built(request(git.url("app.git")))
            #expect(wrong["status"] == "BUILD_STATUS_FAILED")
            #expect(wrong["error"].string?.contains("not accepted") == true, "\(wrong.text)")
            try await Self.save("bot", Self.password, api)
            let (good, log) = try await api.built(request(git.url("app.git")))
            #expect(good["status"] == "BUILD_STATUS_SUCCEEDED", "\(log)")

            // Sent on to another server: that one gets no credentials, whatever comes of the build.
            let (moved, movedLog) = try await api.built(request(git.url("moved/app.git")))
            let strange = try stranger.requests()
            #expect(!strange.isEmpty, "\(moved.text) \(movedLog)")
            #expect(!strange.contains { $0.hasCredentials }, "\(strange)")

            // Nowhere in what is kept, and nowhere in what is said; a URL that holds them is refused unseen.
            let basic = Data("bot:\(Self.password)".utf8).base64EncodedString()
            let refused = try await api.call(
              "POST", "/v1/ignite/builds", request(git.url("app.git", user: "bot:" + Self.password)))
            #expect(refused.status == 400 && !refused.body.contains(Self.password), "\(refused)")
            let typed = try await server.kindling(["build", git.url("app.git", user: "bot:" + Self.password)])
            #expect(typed.status == 2 && !typed.all.contains(Self.password), "\(typed.all)")
            for secret in [Self.password, basic, "wrong-canary-77"] {
              let found = try await Tool("grep").run(["-rlF", secret, server.data, server.data + ".errors"])
              #expect(found.status == 1, "\(found.all)")
              for words in [log, movedLog] { #expect(!words.contains { $0.contains(secret) }) }
            }
          }
        }
      } catch {
        await stranger.stop()
        throw error
      }
      await stranger.stop()
    }
  }

  @Test("what one organisation fetched with its credentials, another does not get without them")
  func organisations() async throws {
    var settings = GitServer.Settings()
    settings.users = ["bot": Self.password]
    try await withGitServer(settings) { git in
      try await withServer { server, folder in
        let workshop = try await repository(git, "app", in: folder)
        let commit = try await workshop.git("rev-parse", "HEAD")
        let ours = HTTPAPI(server)
        try await Self.save("bot", Self.password, ours)
        let (built, log) = try await ours.built(request(git.url("app.git")))
        #expect(built["status"] == "BUILD_STATUS_SUCCEEDED", "\(log)")
        let theirs = HTTPAPI(server, token: try await server.token(of: "acme"))
        // By its commit's name too, for which nothing would have to be looked up.
        for reference in ["main", commit] {
          let (refused, words) = try await theirs.built(request(git.url("app.git"), reference))
          #expect(refused["status"] == "BUILD_STATUS_FAILED", "\(words)")
          #expect(refused["error"].string?.contains("SaveBuildSecrets") == true, "\(refused.text)")
        }
        // Nor does an organisation that has lost its access keep what it had.
        try await Self.save("bot", "revoked", ours)
        let (revoked, _) = try await ours.built(request(git.url("app.git"), "main"))
        #expect(revoked["status"] == "BUILD_STATUS_FAILED", "\(revoked.text)")
        try await Self.save("bot", Self.password, theirs)
        let (own, words) = try await theirs.built(request(git.url("app.git")))
        #expect(own["status"] == "BUILD_STATUS_SUCCEEDED", "\(words)")
        #expect(!words.contains { $0.contains("nothing transferred") }, "\(words)")
      }
    }
  }

  @Test("cancelling and the time limit reach a fetch whose server has gone silent")
  func stalled() async throws {
    let stall = try StallServer()
    try await withServer { server, _ in
      let api = HTTPAPI(server)
      let id = try await api.create(request(stall.url("x.git")))
      let connection = try await stall.asked()
      let cancelled = try await api.call("POST", "/v1/ignite/builds/\(id)/cancel", [:])
      #expect(cancelled.json["status"] == "BUILD_STATUS_CANCELLED", "\(cancelled)")
      await connection.gone()
      #expect(try await api.ended(id).log.last == "cancelled")

      var slow = request(stall.url("x.git"))
      slow["timeoutSecs"] = "1"
      let late = try await api.create(slow)
      let second = try await stall.asked()
      let (build, _) = try await api.ended(late)
      #expect(build["error"].string?.contains("timed out after 1 s") == true, "\(build.text)")
      await second.gone()
      #expect(try Leftovers.of(server) == [])
    }
  }

  @Test("after a kill in the middle of a fetch the same build goes through")
  func killed() async throws {
    try await withGitServer { git in
      try await withTemporaryFolder { folder in
        let workshop = try await repository(git, "app", in: folder)
        let noise = (0..<40_000).map { _ in String(Int.random(in: 0...Int.max), radix: 36) }.joined()
        let commit = try await workshop.commit(["noise": noise])
        try await workshop.publish(to: git.folder + "/app.git")
        try git.setSlow(true)
        let first = try await ServerProcess(data: folder.path("data"))
        let id = try await HTTPAPI(first).create(request(git.url("app.git")))
        // What the remote says before the pack, which takes more than a minute from here on.
        try await Stream.wait(for: "remote: Compressing", of: id, first)
        await first.kill()
        try git.setSlow(false)
        let second = try await ServerProcess(data: folder.path("data"))
        do {
          let api = HTTPAPI(second)
          #expect(try await api.ended(id).build["status"] == "BUILD_STATUS_FAILED")
          let (build, log) = try await api.built(request(git.url("app.git")))
          #expect(build["status"] == "BUILD_STATUS_SUCCEEDED", "\(log)")
          #expect(log.contains { $0.contains("→ \(commit)") }, "\(log)")
          #expect(try Leftovers.of(second) == [])
        } catch {
          await second.stop()
          throw error
        }
        await second.stop()
      }
    }
  }
}
