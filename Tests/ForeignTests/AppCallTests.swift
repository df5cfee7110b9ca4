import Foundation
import TestSupport
import Testing

/// Calls of deployed apps by the contract's RPCs, with real replicas.
@Suite("Apps: calls") struct AppCallTests {
  private static func app(_ more: JSON = [:]) -> JSON {
    .object(["organizationName": "dev", "appName": "app"].merging(more.object) { $1 })
  }

  private static func http(_ path: String, _ query: String = "", method: String = "GET", body: String = "") -> JSON {
    app([
      "http": ["method": .string(method), "path": .string(path), "query": .string(query)],
      "body": .string(Data(body.utf8).base64EncodedString()),
    ])
  }

  /// The test app, built, saved as a draft and published.
  private static func deploy(_ server: ServerProcess, env: [String: String] = [:]) async throws {
    let reference = try await server.buildTestApp(env: env)
    let api = HTTPAPI(server)
    let saved = try await api.call(
      "POST", "/v1/ignite/app/dev/app/draft", ["code": ["image": ["prebuilt": ["imageRef": .string(reference)]]]])
    try #require(saved.status == 200, "\(saved)")
    let published = try await api.call("POST", "/v1/ignite/app/dev/app/draft/publish", [:])
    try #require(published.status == 200, "\(published)")
  }

  /// What Invoke's frames say together.
  private static func joined(_ frames: [JSON]) -> (head: JSON, body: String, trailer: JSON) {
    let bytes = frames.compactMap { $0["chunk"].string.flatMap { Data(base64Encoded: $0) } }.reduce(Data(), +)
    return (frames.first?["head"] ?? .null, String(decoding: bytes, as: UTF8.self), frames.last?["trailer"] ?? .null)
  }

  private static func frames(_ text: String) throws -> [JSON] {
    try text.split(separator: "\n").map { try JSON(text: String($0)) }
  }

  @Test("Invoke streams head, body and trailer, with the headers and the body it was given, through both doors")
  func invoking() async throws {
    try await withServer { server, _ in
      try await Self.deploy(server, env: ["VERSION": "one"])
      let plain = try await Python.call(
        server,
        [
          ["rpc": "Invoke", "requests": [Self.http("/")]],
          ["rpc": "Invoke", "requests": [Self.http("/status", "code=418")]],
          [
            "rpc": "Invoke",
            "requests": [
              Self.app([
                "http": ["method": "GET", "path": "/head", "headers": ["x-mine": "42", "x-ignite-function-id": "no"]]
              ])
            ],
          ],
          ["rpc": "Invoke", "requests": [Self.http("/echo", method: "POST", body: "hello there")]],
          ["rpc": "Invoke", "requests": [Self.http("/cut")]],
        ])
      let first = Self.joined(plain[0].messages)
      #expect(first.head["statusCode"] == 200 && first.body.contains("one"), "\(plain[0].all)")
      #expect(first.head["executionId"].string?.hasPrefix("exec_") == true && first.head["headers"]["x-app"] == "test")
      #expect(Int(first.trailer["durationMs"].string ?? "") ?? 0 >= 1 && first.trailer["error"] == .null)
      // The app's own answer, whatever it says, is an answer.
      #expect(plain[1].code == "OK" && Self.joined(plain[1].messages).head["statusCode"] == 418, "\(plain[1].all)")
      let head = Self.joined(plain[2].messages).body.lowercased()
      #expect(head.hasPrefix("get /head http/1.1") && head.contains("x-mine: 42"), "\(head)")
      #expect(head.contains("x-ignite-function-id: dev/app") && !head.contains("x-ignite-function-id: no"), "\(head)")
      #expect(head.contains("x-ignite-organization-id: ") && head.contains("x-ignite-execution-id: exec_"), "\(head)")
      #expect(Self.joined(plain[3].messages).body.contains("hello there"), "\(plain[3].all)")
      // An answer that breaks off is told at its end.
      let cut = Self.joined(plain[4].messages)
      #expect(plain[4].code == "OK" && cut.trailer["error"].string?.isEmpty == false, "\(plain[4].all)")

      let lines = try await HTTPAPI(server).call(
        "POST", "/v1/ignite/app/dev/app/invoke", ["http": ["method": "GET", "path": "/bytes", "query": "n=100000"]])
      let big = Self.joined(try Self.frames(lines.body))
      #expect(lines.status == 200 && big.body.utf8.count == 100_000, "\(lines.body.prefix(300))")
      let events = try await HTTPAPI(server).call(
        "POST", "/v1/ignite/app/dev/app/invoke", ["http": ["method": "GET", "path": "/"]],
        headers: ["Accept: text/event-stream"])
      #expect(events.body.contains("data: {\"head\":") && events.body.contains("event: end"), "\(events)")
    }
  }

  @Test("InvokeAsync keeps the answer: it is watched to its end, read later, and outlives the server")
  func executions() async throws {
    try await withTemporaryFolder { folder in
      let first = try await ServerProcess(data: folder.path("data"))
      try await Self.deploy(first)
      let api = HTTPAPI(first)
      func start(_ path: String, _ query: String = "") async throws -> String {
        let answer = try await api.call(
          "POST", "/v1/ignite/app/dev/app/invoke-async",
          ["http": ["method": "GET", "path": .string(path), "query": .string(query)]])
        return try #require(answer.json["executionId"].string, "\(answer)")
      }
      let good = try await start("/status", "code=200")
      let watched = try await api.call("GET", "/v1/ignite/executions/\(good)/watch")
      let last = try #require(try Self.frames(watched.body).last?["execution"])
      #expect(last["status"] == "EXECUTION_STATUS_SUCCEEDED" && last["statusCode"] == 200, "\(watched)")
      #expect(last["output"].string.flatMap { Data(base64Encoded: $0) } == Data("as asked".utf8), "\(watched)")
      #expect(try await api.call("GET", "/v1/ignite/executions/\(good)").json["execution"] == last)
      let bad = try await start("/status", "code=500")
      let failed = try Self.frames(try await api.call("GET", "/v1/ignite/executions/\(bad)/watch").body).last
      #expect(failed?["execution"]["status"] == "EXECUTION_STATUS_FAILED", "\(String(describing: failed))")
      #expect(failed?["execution"]["error"] == "the app answered 500")
      // Another organisation knows nothing of it.
      let acme = HTTPAPI(first, token: try await first.token(of: "acme"))
      #expect(try await acme.call("GET", "/v1/ignite/executions/\(good)").status == 404)
      let slow = try await start("/hang")
      await first.kill()

      let second = try await ServerProcess(data: folder.path("data"))
      let after = HTTPAPI(second)
      #expect(try await after.call("GET", "/v1/ignite/executions/\(good)").json["execution"] == last)
      let cut = try await after.call("GET", "/v1/ignite/executions/\(slow)").json["execution"]
      #expect(cut["status"] == "EXECUTION_STATUS_FAILED", "\(cut.text)")
      #expect(cut["error"].string?.hasPrefix("interrupted") == true, "\(cut.text)")
      // The app answers again without being published anew.
      let again = try await after.call("POST", "/v1/ignite/app/dev/app/invoke", ["http": ["method": "GET"]])
      #expect(Self.joined(try Self.frames(again.body)).head["statusCode"] == 200, "\(again)")
      await second.stop()
    }
  }

  @Test("a draft is tested beside the version that serves; a changed configuration reaches the next call")
  func drafts() async throws {
    try await withServer { server, _ in
      try await Self.deploy(server, env: ["VERSION": "one"])
      let next = try await server.buildTestApp(tag: "two", env: ["VERSION": "two"])
      let answers = try await Python.call(
        server,
        [
          [
            "rpc": "SaveDraft",
            "requests": [Self.app(["code": ["image": ["prebuilt": ["imageRef": .string(next)]]]])],
          ],
          ["rpc": "TestDraft", "requests": [Self.http("/")]], ["rpc": "Invoke", "requests": [Self.http("/")]],
          ["rpc": "UpdateAppConfig", "requests": [Self.app(["env": ["VERSION": "other"]])]],
          ["rpc": "Invoke", "requests": [Self.http("/")]], ["rpc": "PublishDraft", "requests": [Self.app()]],
          ["rpc": "UpdateAppConfig", "requests": [Self.app(["env": ["NONE": "x"]])]],
          ["rpc": "Invoke", "requests": [Self.http("/")]],
          ["rpc": "RollbackApp", "requests": [Self.app(["version": 1])]],
          ["rpc": "Invoke", "requests": [Self.http("/")]],
        ])
      try #require(answers.allSatisfy { $0.code == "OK" }, "\(answers.map(\.all))")
      let tested = answers[1].first["body"].string.flatMap { Data(base64Encoded: $0) } ?? Data()
      #expect(String(decoding: tested, as: UTF8.self).contains("two"), "\(answers[1].all)")
      #expect(answers[1].first["statusCode"] == 200)
      let said = [2, 4, 7, 9].map { Self.joined(answers[$0].messages).body }
      #expect(said[0].contains("one") && said[1].contains("other"), "\(said)")
      #expect(said[2].contains("two") && said[3].contains("one"), "\(said)")
    }
  }

  @Test("logs are what replicas write, by line, with their replica; a stream goes on with what comes")
  func logs() async throws {
    try await withServer { server, _ in
      try await Self.deploy(server)
      let follow: JSON = [
        "rpc": "StreamAppLogs", "requests": [Self.app(["limit": 100])], "until": "leaving as asked",
        "on": ["text": "listening on", "call": ["rpc": "Invoke", "requests": [Self.http("/exit")]]],
      ]
      let answers = try await Python.call(
        server,
        [
          ["rpc": "Invoke", "requests": [Self.http("/")]], ["rpc": "GetAppLogs", "requests": [Self.app()]], follow,
        ])
      let lines = answers[1].first["lines"].array
      let listening = try #require(lines.first { $0["line"].string?.hasPrefix("listening on") == true }, "\(lines)")
      #expect(listening["stream"] == "stdout" && listening["replicaId"].string?.hasPrefix("rep_") == true)
      #expect(Int64(listening["timestampMs"].string ?? "") ?? 0 > 1_700_000_000_000)
      #expect(answers[2].messages.contains { $0["line"] == "leaving as asked" && $0["stream"] == "stderr" })
      let one = try await HTTPAPI(server).call(
        "GET", "/v1/ignite/app/dev/app/logs?limit=1&replica_id=\(listening["replicaId"].string ?? "")")
      #expect(one.json["lines"].array.count == 1, "\(one)")
    }
  }

  @Test("an app that cannot start tells its author by its call, its state and its log")
  func broken() async throws {
    try await withServer { server, _ in
      try await Self.deploy(server, env: ["MODE": "exit"])
      let api = HTTPAPI(server)
      let call = try await api.call("POST", "/v1/ignite/app/dev/app/invoke", [:])
      #expect(call.status == 503, "\(call)")
      let state = try await api.call("GET", "/v1/ignite/app/dev/app/state").json
      #expect(state["deploymentState"] == "DEPLOYMENT_STATE_FAILED", "\(state.text)")
      #expect(state["error"].string?.isEmpty == false, "\(state.text)")
      // Another app of the same server is none the worse for it.
      let other = try await server.buildTestApp("fine")
      let saved: JSON = ["code": ["image": ["prebuilt": ["imageRef": .string(other)]]]]
      _ = try await api.call("POST", "/v1/ignite/app/dev/fine/draft", saved)
      _ = try await api.call("POST", "/v1/ignite/app/dev/fine/draft/publish", [:])
      let answer = try await api.call("POST", "/v1/ignite/app/dev/fine/invoke", ["http": ["method": "GET"]])
      #expect(Self.joined(try Self.frames(answer.body)).head["statusCode"] == 200, "\(answer)")
    }
  }
}
