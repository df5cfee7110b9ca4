import Foundation
import TestSupport
import Testing

/// Apps called by their host names: the real server, a real replica, and curl.
@Suite("Apps: calls by host name", .timeLimit(.minutes(5))) struct HostNameTests {
  /// A server with the test app published as `hello`, and another one that asks nobody.
  private func withApp(_ body: (ServerProcess, TemporaryFolder) async throws -> Void) async throws {
    try await withServer { server, folder in
      let image = try await server.buildTestApp("hello")
      for (name, more) in [("hello", []), ("open", ["--allow-unauthenticated"])] {
        let result = try await server.kindling(["app", "deploy", name, "--image-ref", image] + more)
        try #require(result.status == 0, "\(result.all)")
      }
      try await body(server, folder)
    }
  }

  private func port(_ server: ServerProcess) throws -> Int {
    try #require(Int(server.ready.http.split(separator: ":").last ?? ""))
  }

  private func url(_ server: ServerProcess, _ path: String, app: String = "hello") throws -> String {
    "http://\(app)-dev.ignite.localhost:\(try port(server))\(path)"
  }

  private func curl(_ server: ServerProcess, _ path: String, _ more: [String] = []) async throws -> Tool.Result {
    try await Tool("curl").run(["-sS", "-H", "Authorization: Bearer \(server.token)"] + more + [try url(server, path)])
  }

  @Test("the first call starts the app; methods, bodies and queries arrive, spoofed headers do not")
  func calls() async throws {
    try await withApp { server, _ in
      #expect(try await curl(server, "/").output == "hello from the app\n")
      #expect(try await curl(server, "/", ["--data-binary", "{\"a\": 1}"]).output == "{\"a\": 1}")
      let head = try await curl(
        server, "/head?x=%20&&y",
        [
          "-X", "PATCH", "-H", "X-Ignite-Execution-Id: spoofed", "-H", "x_ignite_function_id: spoofed",
          "-H", "X-IGNITE-ORGANIZATION-ID: spoofed",
        ]
      ).output
      #expect(head.hasPrefix("PATCH /head?x=%20&&y HTTP/1.1\r\n"), "\(head)")
      #expect(head.contains("x-ignite-function-id: dev/hello\r\nx-ignite-organization-id: dev\r\n"))
      #expect(!head.contains("spoofed"))
      #expect(try await curl(server, "/", ["-I"]).output.hasPrefix("HTTP/1.1 200"))
      let status = try await curl(server, "/status?code=503", ["-w", "%{http_code}"])
      #expect(status.output == "as asked503")
    }
  }

  @Test("a token is asked for, and by apps that ask nobody CORS is answered")
  func access() async throws {
    try await withApp { server, _ in
      let none = try await Tool("curl").run(["-sSi", try url(server, "/")]).output
      #expect(none.hasPrefix("HTTP/1.1 401") && none.contains("token-missing"), "\(none)")
      let foreign = try await server.token(of: "acme")
      let refused = try await Tool("curl").run(
        ["-sSi", "-H", "Authorization: Bearer \(foreign)", try url(server, "/")]
      ).output
      #expect(refused.hasPrefix("HTTP/1.1 403") && !refused.lowercased().contains("access-control"), "\(refused)")
      let open = try await Tool("curl").run(["-sSi", try url(server, "/", app: "open")]).output
      #expect(open.hasPrefix("HTTP/1.1 200") && open.contains("access-control-allow-origin: *"), "\(open)")
      // The server's own API is not to be had under an app's name.
      let api = try await curl(server, "/v1/ignite/builds")
      #expect(api.output == "no such path")
      let other = try await Tool("curl").run([
        "-sS", "-o", "/dev/null", "-w", "%{http_code} ", "-H", "Authorization: Bearer \(server.token)",
        try url(server, "/"), "--next", "-sS", "-o", "/dev/null", "-w", "%{http_code}", server.ready.http + "/livez",
      ])
      #expect(other.output == "200 200")
    }
  }

  @Test("events come one by one, and an upgraded connection carries bytes both ways")
  func streams() async throws {
    try await withApp { server, _ in
      let events = try await curl(server, "/events?n=3&ms=20", ["-N", "-i"]).output
      #expect(events.contains("text/event-stream") && events.contains("id: 3\ndata: event 3"), "\(events)")
      let (port, token) = (try port(server), server.token)
      try await onThread { () throws in
        let peer = try Peer(port: port)
        try peer.write(
          "GET /upgrade HTTP/1.1\r\nHost: hello-dev.ignite.localhost\r\nAuthorization: Bearer \(token)\r\n"
            + "Connection: Upgrade\r\nUpgrade: echo\r\n\r\nfirst")
        #expect(try peer.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 101 "))
        #expect(try peer.read(until: "first") == "first")
        for number in 0..<100 {
          try peer.write("<\(number)>")
          #expect(try peer.read(until: ">") == "<\(number)>")
        }
        peer.endSending()
        #expect(try peer.readToEnd() == "")
      }
    }
  }

  @Test("a gibibyte goes through both ways and does not stay in the server's memory")
  func large() async throws {
    try await withApp { server, folder in
      _ = try await curl(server, "/")
      let before = try memory(server)
      try await Tool("truncate").run(["-s", "1G", folder.path("large")])
      let result = try await curl(
        server, "/echo",
        ["-T", folder.path("large"), "-o", "/dev/null", "-w", "%{http_code} %{size_upload} %{size_download}"])
      #expect(result.output == "200 1073741824 1073741824", "\(result.all)")
      let after = try memory(server)
      #expect(after - before < 64 << 10, "\(after) kB after \(before) kB")
    }
  }

  /// The most the server has had of memory so far, in kB.
  private func memory(_ server: ServerProcess) throws -> Int {
    let text = try String(contentsOfFile: "/proc/\(server.ready.pid)/status", encoding: .utf8)
    let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return try #require(line?.split(separator: " ").dropFirst().first.flatMap { Int($0) })
  }

  @Test(
    "an app that misbehaves harms its own call alone, and the answer says what it did",
    arguments: [
      ("/garbage", "502", "answer-invalid"), ("/endless-header", "502", "answer-head-too-large"),
      ("/exit?code=3", "502", "answer-missing"),
    ])
  func misbehaviour(path: String, status: String, reason: String) async throws {
    try await withApp { server, _ in
      #expect(try await curl(server, "/").output == "hello from the app\n")
      let result = try await curl(server, path, ["-w", " %{http_code}"])
      #expect(result.output.contains(reason) && result.output.hasSuffix(" \(status)"), "\(result.all)")
      let open = try await Tool("curl").run(["-sS", try url(server, "/", app: "open")]).output
      #expect(open == "hello from the app\n")
    }
  }

  @Test("an answer that breaks off is no whole one, and one without end is cut at the call's time")
  func cut() async throws {
    try await withApp { server, folder in
      let broken = try await curl(server, "/cut")
      #expect(broken.status != 0 && broken.output == "only this", "\(broken.all)")
      let update = try await server.kindling(["app", "update", "hello", "--timeout-secs", "1"])
      try #require(update.status == 0, "\(update.all)")
      let endless = try await curl(server, "/endless-body", ["-o", "/dev/null", "-m", "60"])
      #expect(endless.status != 0 && endless.status != 28, "\(endless.all)")
      let late = try await curl(server, "/slow?ms=30000", ["-w", " %{http_code}", "-m", "60"])
      #expect(late.output.contains("limits.timeout_secs") && late.output.hasSuffix(" 504"), "\(late.all)")
    }
  }

  @Test("another base domain is the operator's to choose")
  func domain() async throws {
    try await withServer(["--app-domain", "apps.test"]) { server, _ in
      let image = try await server.buildTestApp("hello")
      let result = try await server.kindling(["app", "deploy", "hello", "--image-ref", image])
      let port = try port(server)
      #expect(result.output.contains("http://hello-dev.apps.test:\(port)"), "\(result.all)")
      let answer = try await Tool("curl").run([
        "-sS", "-H", "Authorization: Bearer \(server.token)", "-H", "Host: hello-dev.apps.test",
        server.ready.http + "/",
      ])
      #expect(answer.output == "hello from the app\n")
    }
  }
}
