import Foundation
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// Logs as automation reads them: large, odd, by several readers, and over a server's end.
@Suite("logs") struct LogTests {
  private static func stream(_ id: String, _ query: String = "from_start=true") -> String {
    "/v1/ignite/builds/\(id)/logs/stream?\(query)"
  }

  private func create(_ commands: String, _ server: ServerProcess, _ folder: TemporaryFolder) async throws -> String {
    let archive = try await Tree.inline(dockerfile: "FROM busybox\nRUN \(commands)\n", in: folder)
    return try await HTTPAPI(server).create(["name": "loud", "zippedCode": archive])
  }

  /// Follows to the end, into a file.
  private func save(_ path: String, to file: String, _ server: ServerProcess, accept: String? = nil) async throws {
    let headers = ["Authorization: Bearer \(server.token)"] + (accept.map { ["Accept: \($0)"] } ?? [])
    try await Tool("curl").run(["-sSN", "-o", file, server.ready.http + path] + headers.flatMap { ["-H", $0] })
      .expectSuccess()
  }

  /// The most memory the server ever had, in MiB.
  private func peak(_ server: ServerProcess) throws -> Int {
    let status = try String(contentsOfFile: "/proc/\(server.ready.pid)/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
    return try #require(Int(line.filter(\.isNumber))) / 1024
  }

  @Test(
    "100 MB of one step are kept and replayed whole in bounded memory, and a reader who stops reading slows nobody",
    .timeLimit(.minutes(5)))
  func large() async throws {
    try await withServer { server, folder in
      try await server.importBusybox()
      let before = try peak(server)
      let word = String(repeating: "0123456789", count: 99)
      let id = try await create("yes \(word) | head -n 100000", server, folder)
      let silent = try SilentReader(server, Self.stream(id))
      defer { silent.close() }
      let (first, second, rest) = (folder.path("first"), folder.path("second"), folder.path("rest"))
      try await save(Self.stream(id), to: first, server)
      let lines = try await Tool("grep").run(["-cE", "\"#1 [0-9.]+ \(word)", first])
      #expect(lines.lines == ["100000"])
      let last = try await Tool("tail").run(["-n", "1", first])
      #expect(last.output.contains("succeeded in"), "\(last.output)")
      try await save(Self.stream(id), to: second, server)
      try await save(Self.stream(id, "after=60000"), to: rest, server)
      try await Tool("cmp").run([first, second]).expectSuccess()
      try await Tool("sh").run(["-c", "tail -n +60001 '\(first)' | cmp - '\(rest)'"]).expectSuccess()
      let after = try peak(server)
      #expect(after - before < 96, "\(before) MiB before, \(after) MiB after")
    }
  }

  @Test("a line without end, bytes that are no text, colours and carriage returns are kept as far as text can")
  func odd() async throws {
    try await withServer { server, folder in
      try await server.importBusybox()
      let commands = [
        "printf 'a\\r\\033[31mred\\033[0m\\n'", "printf 'nul\\000byte \\377\\n'",
        "yes é | head -n 200000 | tr -d '\\n'", "echo", "cat /bin/busybox", "echo", "echo the end",
      ]
      let id = try await create(commands.joined(separator: "; "), server, folder)
      let (build, log) = try await HTTPAPI(server).ended(id)
      #expect(build["status"] == "BUILD_STATUS_SUCCEEDED")
      let texts = log.filter { $0.hasPrefix("#1 ") }.map { line in
        line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false).dropFirst(2).joined(separator: " ")
      }
      #expect(texts.contains("a\r\u{1b}[31mred\u{1b}[0m"), "\(texts.prefix(5))")
      #expect(texts.contains("nul\u{0}byte \u{fffd}"), "\(texts.prefix(5))")
      // In pieces, none of which tears a character apart.
      let pieces = texts.filter { $0.contains("é") && $0.allSatisfy { $0 == "é" } }
      #expect(pieces.joined() == String(repeating: "é", count: 200_000) && pieces.count > 1)
      #expect(texts.contains("the end"))
    }
  }

  @Test("beyond its limit a build's log says so once, and the build goes on")
  func limit() async throws {
    try await withServer(["--log-limit", "1MiB"]) { server, folder in
      try await server.importBusybox()
      let id = try await create("yes | head -n 200000", server, folder)
      let (build, log) = try await HTTPAPI(server).ended(id)
      #expect(build["status"] == "BUILD_STATUS_SUCCEEDED")
      #expect(log.count { $0.contains("--log-limit") } == 1)
      #expect(log.count < 100_000 && log.last?.hasPrefix("succeeded") == true)
    }
  }

  @Test("a server that stops ends every stream in words: what ran with its end, what waited with an error")
  func shutdown() async throws {
    try await withTemporaryFolder { folder in
      let server = try await ServerProcess(
        data: folder.path("data"), flags: ["--workers", "1", "--stop-grace", "1s"])
      try await server.importBusybox()
      let running = try await create("echo go; sleep 600", server, folder)
      let waiting = try await create("true", server, folder)
      let (ran, lines, events) = (folder.path("ran"), folder.path("lines"), folder.path("events"))
      async let first: Void = save(Self.stream(running), to: ran, server, accept: "text/event-stream")
      async let second: Void = save(Self.stream(waiting), to: lines, server)
      async let third: Void = save(Self.stream(waiting), to: events, server, accept: "text/event-stream")
      for (file, text) in [(ran, " go\""), (lines, "queued"), (events, "queued")] { try await see(text, in: file) }
      await server.stop()
      _ = try await (first, second, third)
      let ended = try String(contentsOfFile: ran, encoding: .utf8)
      #expect(ended.contains("failed: ") && ended.hasSuffix("event: end\ndata: {}\n\n"), "\(ended)")
      for file in [lines, events] {
        let text = try String(contentsOfFile: file, encoding: .utf8)
        #expect(text.contains("stream-interrupted") && !text.contains("event: end"), "\(text)")
      }
    }
  }

  @Test("the command goes on over a restart of the server without losing or repeating a line")
  func restart() async throws {
    try await withTemporaryFolder { folder in
      let data = folder.path("data")
      let first = try await ServerProcess(data: data)
      try await first.importBusybox()
      try await first.kindling(["queue", "pause"]).expectSuccess()
      let id = try await create("for i in 1 2 3; do echo line $i; done", first, folder)
      let file = folder.path("followed")
      let command = "exec '\(ServerProcess.binary)' build logs \(id) --from-start > '\(file)'"
      async let follower = Tool("sh").run(["-c", command], environment: ["KINDLING_DATA_DIR": data])
      try await see("queued", in: file)
      await first.stop()
      let port = try #require(first.ready.http.split(separator: ":").last)
      let second = try await ServerProcess(data: data, flags: ["--port", String(port)])
      try await second.kindling(["queue", "resume"]).expectSuccess()
      try await follower.expectSuccess()
      let whole = try await second.kindling(["build", "logs", id])
      let followed = try String(contentsOfFile: file, encoding: .utf8)
      #expect(followed == whole.output && followed.contains("line 3"), "\(followed)")
      let stamped = try await second.kindling(["build", "logs", id, "--timestamps", "--since", "1h"])
      #expect(stamped.lines.count == whole.lines.count)
      #expect(stamped.lines.allSatisfy { $0.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z .*/) != nil })
      #expect(try await second.kindling(["build", "logs", id, "--since", "2999-01-01T00:00:00Z"]).output == "")
      await second.stop()
    }
  }

  @Test("gRPC goes on after as many lines as the caller says it has")
  func grpc() async throws {
    try await withServer { server, folder in
      try await server.importBusybox()
      let id = try await create("echo one; echo two", server, folder)
      let (_, log) = try await HTTPAPI(server).ended(id)
      let answers = try await Python.call(
        server,
        [
          [
            "rpc": "StreamBuildLogs", "requests": [["buildId": .string(id)]],
            "metadata": ["authorization": .string("Bearer " + server.token), "last-event-id": "3"],
          ]
        ])
      #expect(answers[0].messages.map { $0["line"].string } == log.dropFirst(3).map { $0 })
    }
  }

  /// Returns when the file holds the text.
  private func see(_ text: String, in file: String) async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < deadline {
      if let words = try? String(contentsOfFile: file, encoding: .utf8), words.contains(text) { return }
      try await Task.sleep(for: .milliseconds(20))
    }
    Issue.record("'\(text)' never came")
  }
}

/// A client that asks for a stream and reads nothing of it.
private struct SilentReader {
  private let descriptor: Int32

  init(_ server: ServerProcess, _ path: String) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(try #require(UInt16(server.ready.http.split(separator: ":").last ?? ""))).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let connected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(connected == 0)
    let request = "GET \(path) HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(server.token)\r\n\r\n"
    try #require(write(descriptor, request, request.utf8.count) == request.utf8.count)
  }

  func close() { _ = Glibc.close(descriptor) }
}
