import Foundation
import TestSupport
import Testing

/// Builds from `git_source` through the real server, repositories served by git itself behind nginx.
@Suite("builds from git") struct GitSourceTests {
  /// A published repository with every kind of reference.
  private struct Sample {
    let server: GitServer
    let workshop: GitWorkshop
    /// Commit by reference.
    var commits: [String: String] = [:]
    var url: String { server.url("app.git") }

    init(_ server: GitServer, in folder: TemporaryFolder) async throws {
      self.server = server
      workshop = try await GitWorkshop(folder.path("workshop"))
      let base = try await workshop.commit(["Dockerfile": Tree.scratch, "who": "base", "web/Dockerfile": Tree.scratch])
      try await workshop.git("checkout", "-q", "-b", "dev")
      let dev = try await workshop.commit(["who": "dev", "web/page": "dev"])
      try await workshop.git("tag", "-a", "v1", "-m", "first")
      try await workshop.git("checkout", "-q", "--detach")
      let pull = try await workshop.commit(["who": "pull"])
      try await workshop.git("update-ref", "refs/pull/7/head", pull)
      try await workshop.git("checkout", "-q", "main")
      let main = try await workshop.commit(["who": "main"])
      commits = ["": main, "main": main, "dev": dev, "v1": dev, "refs/pull/7/head": pull, base: base]
      try await workshop.publish(to: server.folder + "/app.git")
    }
  }

  /// The files in the only layer of an image of the default organisation, by name.
  private func files(of image: String, _ server: ServerProcess, in folder: TemporaryFolder) async throws -> [String:
    String]
  {
    let name = UUID().uuidString
    try await Skopeo.copy(
      from: "docker://\(server.ready.registry)/dev/\(image)", to: "dir:\(folder.path(name))")
    let layers = try JSON(text: try folder.read(name + "/manifest.json"))["layers"].array
    let digest = try #require(layers.first?["digest"].string).dropFirst("sha256:".count)
    let target = folder.path(name + "-files")
    try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
    try await Tool("tar").succeed(["-xf", folder.path(name + "/" + digest), "-C", target])
    var found: [String: String] = [:]
    for path in try FileManager.default.subpathsOfDirectory(atPath: target) {
      if let bytes = FileManager.default.contents(atPath: target + "/" + path) {
        found[path] = String(decoding: bytes, as: UTF8.self)
      }
    }
    return found
  }

  @Test("every kind of reference is built over gRPC, and the build echoes what was asked")
  func references() async throws {
    try await withGitServer { git in
      try await withServer { server, folder in
        let sample = try await Sample(git, in: folder)
        let asked = sample.commits.keys.sorted()
        var calls: [JSON] = []
        for (number, reference) in asked.enumerated() {
          var source: JSON = ["url": .string(sample.url)]
          if !reference.isEmpty { source["reference"] = .string(reference) }
          let id: JSON = ["build_id": "${\(number * 3).buildId}"]
          calls += [
            ["rpc": "CreateBuild", "requests": [["name": "app", "tags": ["t\(number)"], "git_source": source]]],
            ["rpc": "StreamBuildLogs", "requests": [["build_id": id["build_id"], "from_start": true]]],
            ["rpc": "GetBuild", "requests": [id]],
          ]
        }
        let answers = try await Python.call(server, calls)
        for (number, reference) in asked.enumerated() {
          let log = answers[number * 3 + 1].messages.compactMap { $0["line"].string }
          let build = answers[number * 3 + 2].first["build"]
          #expect(build["status"] == "BUILD_STATUS_SUCCEEDED", "\(reference): \(log)")
          #expect(build["gitSource"]["url"] == .string(sample.url))
          #expect(build["gitSource"]["reference"] == (reference.isEmpty ? .null : .string(reference)))
          let commit = try #require(sample.commits[reference])
          #expect(log.contains { $0.hasPrefix("git \(sample.url)") && $0.contains("→ \(commit)") }, "\(log)")
          let who = try await sample.workshop.git("show", "\(commit):who")
          #expect(try await files(of: "app:t\(number)", server, in: folder)["app/who"] == who, "\(reference)")
        }
        #expect(try Leftovers.of(server) == [])
      }
    }
  }

  @Test("context_dir is the whole context, whether the server can leave the rest out or not", arguments: [true, false])
  func directory(allowsFilter: Bool) async throws {
    var settings = GitServer.Settings()
    settings.allowsFilter = allowsFilter
    try await withGitServer(settings) { git in
      try await withServer { server, folder in
        let sample = try await Sample(git, in: folder)
        let source: JSON = ["url": .string(sample.url), "reference": "dev", "contextDir": "./web"]
        let (build, log) = try await HTTPAPI(server).built(["name": "web", "gitSource": source])
        #expect(build["status"] == "BUILD_STATUS_SUCCEEDED", "\(log)")
        #expect(build["gitSource"]["contextDir"] == "web")
        let found = try await files(of: "web:latest", server, in: folder)
        #expect(found == ["app/Dockerfile": Tree.scratch, "app/page": "dev"])
      }
    }
  }

  @Test("a second build of a commit transfers nothing, and one of its child little")
  func again() async throws {
    try await withGitServer { git in
      try await withServer { server, folder in
        let sample = try await Sample(git, in: folder)
        var noise: [String: String] = [:]
        for number in 0..<50 {
          noise["n/\(number)"] = (0..<100).map { _ in "\(Int.random(in: 0...9_999_999))" }.joined()
        }
        try await sample.workshop.commit(noise)
        try await sample.workshop.publish(to: git.folder + "/app.git")
        let request: JSON = ["name": "app", "gitSource": ["url": .string(sample.url)]]
        let (first, firstLog) = try await HTTPAPI(server).built(request)
        #expect(first["status"] == "BUILD_STATUS_SUCCEEDED", "\(firstLog)")
        #expect(firstLog.contains { $0.hasPrefix("fetch: ") })
        #expect(!firstLog.contains { $0.contains("nothing transferred") })
        let asked = try git.requests().count
        let (second, secondLog) = try await HTTPAPI(server).built(request)
        #expect(second["status"] == "BUILD_STATUS_SUCCEEDED", "\(secondLog)")
        #expect(secondLog.contains { $0.contains("nothing transferred") }, "\(secondLog)")
        #expect(!secondLog.contains { $0.hasPrefix("fetch: ") }, "\(secondLog)")
        // What the reference means is asked anew, and nothing beyond.
        let requests = try git.requests()
        #expect(requests.count - asked <= 2, "\(requests)")
        #expect(second["imageRefs"] == first["imageRefs"])

        let child = try await sample.workshop.commit(["who": "child"])
        try await sample.workshop.publish(to: git.folder + "/app.git")
        let (third, thirdLog) = try await HTTPAPI(server).built(request)
        #expect(third["status"] == "BUILD_STATUS_SUCCEEDED", "\(thirdLog)")
        #expect(thirdLog.contains { $0.contains("→ \(child)") }, "\(thirdLog)")
        let count = try #require(thirdLog.last { $0.hasPrefix("fetch: ") }?.split(separator: " ").dropFirst().first)
        #expect(try #require(Int(count)) <= 10, "\(thirdLog)")
      }
    }
  }

  @Test("the command line builds from an address, and tells the terminal's reader the commit")
  func commandLine() async throws {
    try await withGitServer { git in
      try await withServer { server, folder in
        let sample = try await Sample(git, in: folder)
        let commit = try #require(sample.commits["dev"])
        let path = try await server.kindling(["build", "\(sample.url)#dev:web", "--progress", "plain"])
        #expect(path.status == 0 && path.error.contains("→ \(commit)"), "\(path.all)")
        #expect(path.lines.first?.hasPrefix("\(server.ready.registry)/dev/app:latest@sha256:") == true, "\(path.all)")
        let create = try await server.kindling([
          "build", "create", "web", "--git-url", sample.url, "--git-ref", "v1", "--git-dir", "web", "--follow",
          "--progress", "json",
        ])
        #expect(create.status == 0, "\(create.all)")
        #expect(create.error.contains("nothing transferred"), "\(create.all)")
        #expect(try await files(of: "web:latest", server, in: folder)["app/page"] == "dev")
        let details = try await server.kindling(["build", "get", "^0"])
        #expect(details.output.contains("\(sample.url) v1"), "\(details.all)")
      }
    }
  }

  @Test("this machine's own repositories are built where the server was told so")
  func local() async throws {
    try await withServer(["--allow-git", "local"]) { server, folder in
      let workshop = try await GitWorkshop(folder.path("workshop"))
      let commit = try await workshop.commit(["Dockerfile": Tree.scratch])
      let (build, log) = try await HTTPAPI(server).built([
        "name": "app", "gitSource": ["url": .string("file://" + workshop.path)],
      ])
      #expect(build["status"] == "BUILD_STATUS_SUCCEEDED", "\(log)")
      #expect(log.contains { $0.contains("→ \(commit)") }, "\(log)")
    }
  }
}
