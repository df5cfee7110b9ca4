import Foundation
import TestSupport
import Testing

/// The contract over HTTP, by curl.
@Suite("HTTP by curl") struct HTTPTests {
  /// Every RPC at its path, in one life of a build.
  @Test("every RPC answers at its path", arguments: [true, false])
  func paths(camelCase: Bool) async throws {
    try await withServer { server, folder in
      let api = HTTPAPI(server)
      let tree = try Tree(["build/Dockerfile": "FROM scratch\nARG MODE\nENV M=$MODE\nCOPY . /\n"], in: folder)
      let archive = try await tree.inline()
      let body: JSON =
        camelCase
        ? [
          "name": "app", "dockerfile": "build/Dockerfile", "tags": ["a"], "buildArgs": ["MODE": "x"], "noCache": true,
          "timeoutSecs": "90", "zippedCode": archive, "buildTier": "small", "registry": "r", "repository": "p/q",
        ]
        : [
          "name": "app", "dockerfile": "build/Dockerfile", "tags": ["a"], "build_args": ["MODE": "x"],
          "no_cache": true, "timeout_secs": 90, "zipped_code": archive, "build_tier": "small", "registry": "r",
          "repository": "p/q",
        ]
      let created = try await api.call("POST", "/v1/ignite/builds", body)
      #expect(created.status == 200, "\(created)")
      let id = try #require(created.json["buildId"].string)
      #expect(created.json == ["buildId": .string(id), "status": "BUILD_STATUS_PENDING"])

      let parameter = camelCase ? "fromStart" : "from_start"
      let log = try await api.call("GET", "/v1/ignite/builds/\(id)/logs/stream?\(parameter)=true")
      #expect(log.head.lowercased().contains("content-type: application/x-ndjson"))
      let lines = try log.body.split(separator: "\n").map { try JSON(text: String($0)) }
      #expect(lines.first?["line"] == "queued")
      #expect(lines.last?["line"].string?.hasPrefix("succeeded") == true, "\(log)")
      #expect(lines.contains { $0["line"].string?.contains("'r/p/q' is ignored") == true }, "\(log)")

      let got = try await api.call("GET", "/v1/ignite/builds/\(id)")
      let build = got.json["build"]
      #expect(build["status"] == "BUILD_STATUS_SUCCEEDED")
      #expect(build["timeoutSecs"] == "90")
      #expect(build["noCache"] == true)
      #expect(build["buildArgs"] == ["MODE": "x"])
      #expect(build["imageRefs"] == [.string("\(server.ready.registry)/dev/app:a")])
      #expect(build["createdAtMs"].string.flatMap { Int64($0) } != nil)
      #expect(build["metrics"]["durationMs"].string != nil)
      #expect(build["metrics"]["layerCount"].number == 1)
      // Default values are left out.
      #expect(build["error"] == .null && build["gitSource"] == .null && build["contextId"] == .null)
      #expect(build["metrics"]["cacheUsed"] == .null)

      let list = try await api.call("GET", "/v1/ignite/builds?limit=1")
      #expect(list.json == ["builds": [build]])
      let over = try await api.call("POST", "/v1/ignite/builds/\(id)/cancel", [:])
      #expect(over.status == 400 && over.json["code"] == 9, "\(over)")
      let ended = try await api.call("GET", "/v1/ignite/builds/\(id)/logs/stream")
      #expect(ended.status == 200 && ended.body == "", "\(ended)")
      let secrets = try await api.call(
        "PUT", "/v1/ignite/builds/secrets",
        camelCase ? ["buildSecrets": ["A": "b"]] : ["git_credentials": ["username": "u", "password": "p"]])
      #expect(secrets.json == ["success": true], "\(secrets)")
    }
  }

  @Test("a waiting build can be cancelled, its log ends, and an event stream says so")
  func cancelWaiting() async throws {
    try await withServer(["--workers", "1"]) { server, folder in
      try await server.importBusybox()
      let api = HTTPAPI(server)
      let archive = try await Tree.inline(dockerfile: "FROM busybox\nRUN sleep 600\n", in: folder)
      let running = try await api.create(["name": "first", "zippedCode": archive])
      let waiting = try await api.create(["name": "second", "zippedCode": archive])
      let cancelled = try await api.call("POST", "/v1/ignite/builds/\(waiting)/cancel")
      #expect(cancelled.json == ["success": true, "status": "BUILD_STATUS_CANCELLED"], "\(cancelled)")
      let events = try await api.call(
        "GET", "/v1/ignite/builds/\(waiting)/logs/stream?from_start", headers: ["Accept: text/event-stream"])
      #expect(events.head.contains("text/event-stream"))
      let lines = events.body.split(separator: "\n").map(String.init)
      #expect(lines.first == "id: 1" && lines[1].hasPrefix("data: {\"timestampMs\":\""), "\(events)")
      #expect(lines.contains("event: end"), "\(events)")
      #expect(lines.contains { $0.hasSuffix("\"line\":\"cancelled\"}") }, "\(events)")
      let other = try await api.call("POST", "/v1/ignite/builds/\(running)/cancel")
      #expect(other.json["status"] == "BUILD_STATUS_CANCELLED", "\(other)")
    }
  }

  @Test("a status is named long, short or by number")
  func statuses() async throws {
    try await withServer { server, folder in
      let api = HTTPAPI(server)
      _ = try await api.built(["name": "ok", "zippedCode": try await Tree.inline(dockerfile: Tree.scratch, in: folder)])
      _ = try await api.built(["name": "no", "zippedCode": try await Tree.inline(dockerfile: "FROM no\n", in: folder)])
      for (text, names) in [
        ("BUILD_STATUS_FAILED", ["no"]), ("FAILED", ["no"]), ("failed", ["no"]), ("4", ["no"]), ("SUCCEEDED", ["ok"]),
        ("3", ["ok"]), ("RUNNING", []), ("0", ["no", "ok"]),
      ] {
        let page = try await api.call("GET", "/v1/ignite/builds?status=\(text)")
        #expect(page.status == 200 && page.json["builds"].array.map { $0["name"].string } == names, "\(text): \(page)")
      }
      for query in ["status=EATEN", "limit=many", "limit=-1", "nme=1", "cursor=x"] {
        let page = try await api.call("GET", "/v1/ignite/builds?\(query)")
        #expect(page.status == 400 && page.json["code"] == 3, "\(query): \(page)")
      }
    }
  }

  @Test("refusals have the error body, the right status, and a text that helps")
  func refusals() async throws {
    try await withServer { server, _ in
      let api = HTTPAPI(server)
      let cases: [(String, String, String?, Int, Int, String)] = [
        ("POST", "/v1/ignite/builds", "{\"nme\":\"x\"}", 400, 3, "'nme'"),
        ("POST", "/v1/ignite/builds", "{\"name\":", 400, 3, "line 1"),
        ("POST", "/v1/ignite/builds", "[]", 400, 3, "object"),
        ("POST", "/v1/ignite/builds", "{\"name\":7}", 400, 3, "'name'"),
        ("POST", "/v1/ignite/builds", "", 400, 3, "name"),
        ("PUT", "/v1/ignite/builds/secrets", "{\"gitCredentials\":{\"user\":\"x\"}}", 400, 3, "'user'"),
        ("PATCH", "/v1/ignite/builds", "{}", 405, 12, "POST, GET"),
        ("DELETE", "/v1/ignite/builds/bld_1", nil, 405, 12, "GET"),
        ("GET", "/v1/ignite/bilds", nil, 404, 5, "/v1/ignite/builds"),
        ("POST", "/v1/ignite/contexts", "{}", 404, 5, "UploadBuildContext"),
        ("GET", "/nowhere", nil, 404, 5, "/v1/ignite/"),
        ("GET", "/v1/ignite/builds/bld_1", nil, 404, 5, "build list"),
        ("GET", "/v1/ignite/builds/bld_1/logs/stream", nil, 404, 5, "build list"),
        ("POST", "/v1/ignite/builds/bld_1/cancel", nil, 404, 5, "build list"),
      ]
      for (method, path, body, status, code, word) in cases {
        let answer = try await server.http(method, path, body: body, token: server.token)
        let letter = try JSON(text: answer.body)
        #expect(answer.status == status && letter["code"].number == Double(code), "\(method) \(path) \(answer)")
        #expect(letter["message"].string?.contains(word) == true, "\(method) \(path) \(answer)")
        #expect(answer.head.lowercased().contains("content-type: application/json"))
        if status == 405 { #expect(answer.head.lowercased().contains("\nallow: "), "\(answer)") }
      }
      #expect(try await api.call("GET", "/v1/ignite/builds").json == [:])
    }
  }

  @Test("other hosts and pages of other origins are refused, before a token is asked for")
  func origins() async throws {
    try await withServer { server, _ in
      let strange = try await server.http(
        "GET", "/v1/ignite/builds", token: server.token, headers: ["Host: evil.example"])
      #expect(strange.status == 421 && strange.body.contains("--allow-host evil.example"), "\(strange)")
      for header in ["Origin: http://evil.example", "Sec-Fetch-Site: cross-site", "Origin: null"] {
        let answer = try await server.http(
          "POST", "/v1/ignite/builds", body: "{}", token: server.token, headers: [header])
        #expect(answer.status == 403 && answer.body.contains("another origin"), "\(header): \(answer)")
      }
      let session = try await server.http(
        "GET", "/_kindling/session", token: nil, headers: ["Sec-Fetch-Site: cross-site"])
      #expect(session.status == 403, "\(session)")
      let own = try await server.http(
        "GET", "/v1/ignite/builds", token: server.token, headers: ["Origin: http://evil.example"])
      #expect(own.status == 200 && !own.head.lowercased().contains("access-control"), "\(own)")
    }
  }

  @Test("probes need no token, and the page comes with its policy and a tag that spares the second load")
  func pages() async throws {
    try await withServer { server, _ in
      #expect(try await server.http("GET", "/livez", token: nil).body == "live\n")
      #expect(try await server.http("GET", "/readyz", token: nil).body == "ready\n")
      let parts = try await server.http("GET", "/readyz?verbose", token: nil)
      #expect(try JSON(text: parts.body)["ready"] == true, "\(parts)")
      for path in ["/", "/builds/bld_1"] {
        let page = try await server.http("GET", path, token: nil)
        #expect(page.status == 200 && page.head.contains("text/html"), "\(page.head)")
        #expect(page.head.lowercased().contains("content-security-policy: default-src 'self'"), "\(page.head)")
        let line = try #require(page.head.split(separator: "\n").first { $0.lowercased().hasPrefix("etag:") })
        let tag = line.dropFirst(5).trimmingCharacters(in: .whitespaces)
        let again = try await server.http("GET", path, token: nil, headers: ["If-None-Match: \(tag)"])
        #expect(again.status == 304 && again.body.isEmpty, "\(again)")
        for file in page.body.split(separator: "\"").filter({ $0.hasPrefix("/") && $0.contains(".") }) {
          let asset = try await server.http("GET", String(file), token: nil)
          #expect(asset.status == 200 && asset.head.lowercased().contains("etag:"), "\(file): \(asset.head)")
        }
      }
    }
  }
}

/// The contract's paths, called with the server's own token.
struct HTTPAPI: Sendable {
  struct Answer: Sendable, CustomStringConvertible {
    var status: Int
    var body: String
    var head: String
    var json: JSON { (try? JSON(text: body)) ?? .null }
    var description: String { "\(status) \(body)" }
  }

  private let server: ServerProcess
  private let token: String?

  init(_ server: ServerProcess) { self.init(server, token: server.token) }

  init(_ server: ServerProcess, token: String?) {
    self.server = server
    self.token = token
  }

  func call(_ method: String, _ path: String, _ body: JSON? = nil, headers: [String] = []) async throws -> Answer {
    let answer = try await server.http(method, path, body: body?.text, token: token, headers: headers)
    return Answer(status: answer.status, body: answer.body, head: answer.head)
  }

  /// Queues a build and answers with its id.
  func create(_ request: JSON) async throws -> String {
    let answer = try await call("POST", "/v1/ignite/builds", request)
    guard let id = answer.json["buildId"].string else { throw Refused(answer: answer) }
    return id
  }

  /// Builds to the end; the build as GetBuild says it, and its log.
  func built(_ request: JSON) async throws -> (build: JSON, log: [String]) {
    try await ended(try await create(request))
  }

  /// Waits for the end of a build by following its log.
  func ended(_ id: String) async throws -> (build: JSON, log: [String]) {
    let log = try await call("GET", "/v1/ignite/builds/\(id)/logs/stream?from_start=true")
    let lines = try log.body.split(separator: "\n").map { try JSON(text: String($0))["line"].string ?? "" }
    return (try await call("GET", "/v1/ignite/builds/\(id)").json["build"], lines)
  }

  struct Refused: Error, CustomStringConvertible {
    var answer: Answer
    var description: String { "the build was refused: \(answer)" }
  }
}
