import Foundation
import TestSupport
import Testing

/// Apps from code to a published version, as strangers do it; what replicas do is other suites'.
@Suite("Apps: drafts, compiles and versions") struct ComputeTests {
  /// A context whose image would run: the test app and a Dockerfile, packed and in base 64.
  private static func archive(_ files: [String: String]? = nil) async throws -> JSON {
    let folder = try await TestApp.shared.context()
    defer { folder.remove() }
    if let files {
      try FileManager.default.removeItem(atPath: folder.path("Dockerfile"))
      for (name, text) in files { try folder.write(text, to: name) }
    }
    let packed = try await Tool("tar").run(["-C", folder.path, "-czf", folder.path + ".tgz", "."])
    try #require(packed.status == 0, "\(packed.all)")
    defer { try? FileManager.default.removeItem(atPath: folder.path + ".tgz") }
    return .string(try Data(contentsOf: URL(filePath: folder.path + ".tgz")).base64EncodedString())
  }

  private static func app(_ name: JSON = "my-app", _ more: JSON = [:]) -> JSON {
    .object(["organizationName": "dev", "appName": name].merging(more.object) { $1 })
  }

  private static func lines(_ server: ServerProcess, _ deploy: String) async throws -> [String] {
    let log = try await HTTPAPI(server).call("GET", "/v1/ignite/compile/\(deploy)/logs")
    return try log.body.split(separator: "\n").map { try JSON(text: String($0))["line"].string ?? "" }
  }

  @Test("the platform's own workflow: build, save the image as a draft, publish", arguments: [true, false])
  func prebuilt(_ byName: Bool) async throws {
    try await withServer { server, _ in
      var reference = try await server.buildTestApp("my-app")
      // The platform's own name of its registry is this server's too (contract §3.5).
      if byName {
        reference = reference.replacingOccurrences(of: server.ready.registry, with: "admin-registry.dev.dodil.io")
      }
      let save: JSON = [
        "organization_name": "dev", "app_name": "my-app",
        "code": ["image": ["prebuilt": ["image_ref": .string(reference)]]],
      ]
      let name: JSON = ["organization_name": "dev", "app_name": "my-app"]
      let answers = try await Python.call(
        server,
        [
          ["rpc": "SaveDraft", "requests": [save]], ["rpc": "PublishDraft", "requests": [name]],
          ["rpc": "GetApp", "requests": [name]], ["rpc": "GetDraftInfo", "requests": [name]],
          ["rpc": "GetAppState", "requests": [name]],
        ])
      try #require(answers.allSatisfy { $0.code == "OK" }, "\(answers.map(\.all))")
      let draft = answers[0].first["draft"]
      #expect(draft["status"] == "VERSION_STATUS_DRAFT" && draft["codeKind"] == "CODE_KIND_PREBUILT", "\(draft.text)")
      #expect(draft["codeHash"].string?.count == 8, "\(draft.text)")
      #expect(answers[1].first["version"] == 1)
      let port = server.ready.http.split(separator: ":").last ?? ""
      #expect(answers[1].first["urls"] == [.string("http://my-app-dev.ignite.localhost:\(port)")], "\(answers[1].all)")
      let app = answers[2].first["app"]
      #expect(app["activeVersion"] == 1 && app["version"] == 1 && app["id"] == "dev/my-app", "\(app.text)")
      #expect(app["deploymentState"] == "DEPLOYMENT_STATE_ACTIVE", "\(app.text)")
      #expect(app["imageRef"].string?.hasPrefix(reference + "@sha256:") == true, "\(app.text)")
      #expect(answers[3].first["draft"]["status"] == "VERSION_STATUS_COMPILED", "\(answers[3].all)")
      #expect(answers[4].first["deploymentState"] == "DEPLOYMENT_STATE_ACTIVE", "\(answers[4].all)")
    }
  }

  @Test("code becomes an image in the build queue, and the compile's log is the build's", arguments: Doors.allCases)
  func fromCode(_ door: Doors) async throws {
    let archive = try await Self.archive()
    try await withServer { server, _ in
      let image: JSON = ["code": ["image": ["fromCode": ["archive": archive]]]]
      let saved = try await door.call(
        server,
        [
          Doors.Call(rpc: "SaveDraft", requests: [Self.app("my-app", image)]),
          Doors.Call(rpc: "CompileDraft", requests: [Self.app()]),
        ])
      try #require(saved.allSatisfy { $0.code == "OK" }, "\(saved)")
      let deploy = try #require(saved[1].message["deployId"].string)
      #expect(saved[1].message["draft"]["status"] == "VERSION_STATUS_COMPILING", "\(saved)")
      let lines = try await Self.lines(server, deploy)
      #expect(lines.first == "queued" && lines.last?.hasPrefix("succeeded in ") == true, "\(lines)")
      #expect(lines.contains { $0.hasSuffix("COPY --chmod=755 app /app") }, "\(lines)")
      #expect(!lines.contains { $0.hasPrefix("warning") }, "\(lines)")
      let build = try #require(
        lines.first { $0.hasPrefix("build bld_") }?.split(separator: " ").dropFirst().first.map(String.init))
      // The build is one like any other.
      let row = try await HTTPAPI(server).call("GET", "/v1/ignite/builds/\(build)").json["build"]
      #expect(row["status"] == "BUILD_STATUS_SUCCEEDED" && row["name"] == "my-app", "\(row.text)")
      let rest = try await door.call(
        server,
        [
          Doors.Call(rpc: "GetBuildLog", requests: [Self.app("my-app", ["buildId": .string(build)])]),
          Doors.Call(rpc: "PublishDraft", requests: [Self.app()]),
          Doors.Call(rpc: "PublishDraft", requests: [Self.app()]),
          Doors.Call(rpc: "ListAppVersions", requests: [Self.app()]),
          Doors.Call(rpc: "RollbackApp", requests: [Self.app("my-app", ["version": 1])]),
          Doors.Call(rpc: "ListAppVersions", requests: [Self.app()]),
          Doors.Call(rpc: "GetAppVersion", requests: [Self.app("my-app", ["version": 2])]),
        ])
      try #require(rest.allSatisfy { $0.code == "OK" }, "\(rest)")
      #expect(rest[0].message["log"].string?.contains("COPY --chmod=755 app /app") == true, "\(rest[0])")
      #expect(rest[1].message["version"] == 1 && rest[2].message["version"] == 2)
      func statuses(_ answer: Doors.Answer) -> [JSON] { answer.message["versions"].array.map { $0["status"] } }
      #expect(statuses(rest[3]) == ["VERSION_STATUS_ACTIVE", "VERSION_STATUS_SUPERSEDED"], "\(rest[3])")
      #expect(rest[4].message["activeVersion"] == 1)
      #expect(statuses(rest[5]) == ["VERSION_STATUS_SUPERSEDED", "VERSION_STATUS_ACTIVE"], "\(rest[5])")
      #expect(rest[6].message["app"]["version"] == 2 && rest[6].message["app"]["activeVersion"] == 1, "\(rest[6])")
    }
  }

  @Test("code without a Dockerfile is built with its stack's starter, which the log shows; without a stack it fails")
  func starters() async throws {
    let plain = try await Self.archive(["notes.txt": "hello"])
    let site = try await Self.archive(["index.html": "<p>hello"])
    try await withServer { server, _ in
      let api = HTTPAPI(server)
      func compile(_ archive: JSON) async throws -> (draft: JSON, log: [String]) {
        let path = "/v1/ignite/app/dev/plain/draft"
        let body: JSON = ["code": ["image": ["from_code": ["archive": archive]]]]
        let saved = try await api.call("POST", path, body)
        try #require(saved.status == 200, "\(saved)")
        let deploy = try #require(try await api.call("POST", path + "/compile", [:]).json["deployId"].string)
        let log = try await Self.lines(server, deploy)
        return (try await api.call("GET", path).json["draft"], log)
      }
      let failed = try await compile(plain)
      #expect(failed.draft["status"] == "VERSION_STATUS_FAILED", "\(failed)")
      #expect(failed.draft["error"].string?.contains("nothing at its root tells what it is written in") == true)
      #expect(failed.draft["error"].string?.contains("notes.txt") == true, "\(failed.draft.text)")
      #expect(failed.log.contains { $0.hasPrefix("failed: ") }, "\(failed.log)")
      let publish = try await api.call("POST", "/v1/ignite/app/dev/plain/draft/publish", [:])
      #expect(publish.status == 400 && publish.body.contains("does not compile"), "\(publish)")
      // The starter's own base is not here; that it was chosen and shown is enough.
      let started = try await compile(site)
      #expect(started.log.contains { $0.contains("starter for static site") }, "\(started.log)")
      #expect(started.log.contains { $0.contains("USER 65532:65532") }, "\(started.log)")
    }
  }

  @Test("what an image does against the container contract is said while it is compiled")
  func warnings() async throws {
    try await withServer { server, _ in
      for (user, words) in [
        (nil, "the image runs as root, as it has no USER"), ("0", "runs as root (USER 0)"),
        ("node", "USER 'node' is a name"),
      ] {
        let reference = try await server.buildTestApp("bad", user: user)
        let api = HTTPAPI(server)
        let path = "/v1/ignite/app/dev/bad/draft"
        _ = try await api.call("POST", path, ["code": ["image": ["prebuilt": ["imageRef": .string(reference)]]]])
        let deploy = try #require(try await api.call("POST", path + "/compile", [:]).json["deployId"].string)
        let log = try await Self.lines(server, deploy)
        #expect(log.contains { $0.hasPrefix("warning: ") && $0.contains(words) }, "\(log)")
      }
    }
  }

  @Test("acknowledged survives kill -9; what was under way has failed")
  func killed() async throws {
    let archive = try await Self.archive()
    try await withTemporaryFolder { folder in
      let first = try await ServerProcess(data: folder.path("data"))
      let api = HTTPAPI(first)
      let path = "/v1/ignite/app/dev/kept"
      _ = try await api.call("POST", path + "/draft", ["code": ["image": ["fromCode": ["archive": archive]]]])
      let published = try await api.call("POST", path + "/draft/publish", [:])
      try #require(published.json["version"] == 1, "\(published)")
      // A queue that is paused keeps the next compile under way.
      try await first.kindling(["queue", "pause"]).expectSuccess()
      _ = try await api.call("POST", path + "/draft", ["code": ["image": ["fromCode": ["archive": archive]]]])
      let deploy = try #require(try await api.call("POST", path + "/draft/compile", [:]).json["deployId"].string)
      await first.kill()

      let second = try await ServerProcess(data: folder.path("data"))
      let after = HTTPAPI(second)
      let app = try await after.call("GET", path).json["app"]
      #expect(app["activeVersion"] == 1 && app["imageRef"] == published.json["app"]["imageRef"], "\(app.text)")
      let draft = try await after.call("GET", path + "/draft").json["draft"]
      #expect(draft["status"] == "VERSION_STATUS_FAILED", "\(draft.text)")
      #expect(draft["error"].string?.contains("while the draft was being compiled") == true, "\(draft.text)")
      #expect(try await Self.lines(second, deploy).contains { $0.hasPrefix("failed: ") })
      // The archive is still there: the same draft compiles.
      try await second.kindling(["queue", "resume"]).expectSuccess()
      let again = try await after.call("POST", path + "/draft/publish", [:])
      #expect(again.json["version"] == 2, "\(again)")
      await second.stop()
    }
  }

  @Test("a reset takes apps away; --strict lets no draft make an app")
  func resetAndStrict() async throws {
    try await withServer(["--strict"]) { server, _ in
      let api = HTTPAPI(server)
      let draft: JSON = ["code": ["image": ["prebuilt": ["imageRef": "a:b"]]]]
      let refused = try await api.call("POST", "/v1/ignite/app/dev/new/draft", draft)
      #expect(refused.status == 404 && refused.body.contains("app 'new' does not exist"), "\(refused)")
      #expect(try await api.call("POST", "/v1/ignite/app/dev", ["name": "new"]).status == 200)
      #expect(try await api.call("POST", "/v1/ignite/app/dev/new/draft", draft).status == 200)
      try await server.kindling(["reset", "--yes"]).expectSuccess()
      #expect(try await api.call("GET", "/v1/ignite/app/dev").json["apps"].array.isEmpty)
      #expect(try await api.call("GET", "/v1/ignite/app/dev/new").status == 404)
    }
  }

  @Test("lists are paged by sealed cursors; a configuration is changed in parts, its environment whole")
  func listsAndChanges() async throws {
    try await withServer { server, _ in
      let api = HTTPAPI(server)
      for name in ["c", "a", "b"] {
        let made = try await api.call(
          "POST", "/v1/ignite/app/dev", ["name": .string(name), "env": ["A": "1", "B": "2"]])
        try #require(made.status == 200, "\(made)")
      }
      let first = try await api.call("GET", "/v1/ignite/app/dev?limit=2").json
      #expect(first["apps"].array.map { $0["name"] } == ["a", "b"], "\(first.text)")
      let cursor = try #require(first["nextCursor"].string)
      let second = try await api.call("GET", "/v1/ignite/app/dev?limit=2&cursor=\(cursor)").json
      #expect(second["apps"].array.map { $0["name"] } == ["c"] && second["nextCursor"] == .null, "\(second.text)")
      let acme = HTTPAPI(server, token: try await server.token(of: "acme"))
      #expect(try await acme.call("GET", "/v1/ignite/app/acme?cursor=\(cursor)").status == 400)

      let change: JSON = [
        "env": ["C": "3"], "limits": ["memoryMb": 100, "cpuMillicores": 50], "ports": [8080, 80], "description": "",
        "healthPath": "/up", "allowUnauthenticated": true,
      ]
      let app = try await api.call("PATCH", "/v1/ignite/app/dev/a/config", change).json["app"]
      #expect(app["env"] == ["C": "3"] && app["limits"] == ["memoryMb": 100, "cpuMillicores": 50], "\(app.text)")
      #expect(app["ports"] == [8080, 80] && app["healthPath"] == "/up", "\(app.text)")
      let untouched = try await api.call("PATCH", "/v1/ignite/app/dev/a/config", [:]).json["app"]
      #expect(untouched["env"] == ["C": "3"] && untouched["updatedAtMs"] == app["updatedAtMs"], "\(untouched.text)")
      let state = try await api.call("GET", "/v1/ignite/app/dev/a/state").json
      #expect(state["urls"].array.count == 2, "\(state.text)")
      #expect(state["urls"].array.contains { $0.string?.contains("//a-dev-8080.") == true }, "\(state.text)")
    }
  }
}
