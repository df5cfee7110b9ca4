import Diagnostics
import Foundation
import NIOPosix
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Runner

/// Calls from inside the house, against servers that do what a test says.
@Suite(.timeLimit(.minutes(1))) struct CallsTests {
  private static let plain = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

  private let app: AppID
  private let execution = ExecutionID.make(at: WallClock.system.now())

  init() throws { app = AppID(organization: try OrganizationName("dev"), name: try AppName("app")) }

  /// Calls whose app is `script`, from one event loop, so that connections meet again.
  private func withCalls(
    timeout: Duration = .seconds(20), _ script: @escaping @Sendable (Peer) throws -> Void,
    _ body: (Calls, ScriptedServer, FakeFleet, FakeReplica) async throws -> Void
  ) async throws {
    let server = try ScriptedServer(script)
    let replica = FakeReplica(app, timeout: timeout)
    let fleet = FakeFleet([replica])
    let calls = Calls(fleet: fleet, group: MultiThreadedEventLoopGroup.singleton.next())
    try await body(calls, server, fleet, replica)
    await replica.stop(grace: .zero)
  }

  private func request(
    _ server: ScriptedServer, _ method: String = "GET", _ target: String = "/", body: String = "",
    headers: [(name: String, value: String)] = []
  ) throws -> AppRequest {
    AppRequest(
      app: app, port: try #require(AppPort(server.port)), method: method, target: target, headers: headers,
      body: Array(body.utf8), execution: execution)
  }

  private func text(_ answer: AppAnswer) async throws -> String {
    var bytes: [UInt8] = []
    for try await piece in answer.body { bytes += piece }
    return String(decoding: bytes, as: UTF8.self)
  }

  private func expect(
    _ body: String, from calls: Calls, _ server: ScriptedServer, _ method: String = "GET",
    at place: SourceLocation = #_sourceLocation
  ) async throws {
    let said = try await text(try await calls.call(try request(server, method)))
    #expect(said == body, sourceLocation: place)
  }

  private func failure(_ body: () async throws -> Void) async -> Failure? {
    do {
      try await body()
      return nil
    } catch { return error as? Failure }
  }

  @Test("a call carries method, path, query, headers and body as they are, and says who it is for")
  func verbatim() async throws {
    let heads = Mutex<[String]>([])
    try await withCalls({ peer in
      let message = try peer.message()
      heads.withLock { $0 = [message.head, message.body] }
      try peer.write("HTTP/1.1 418 Teapot\r\nx-a: b\r\ncontent-length: 5\r\n\r\nhello")
    }) { calls, server, fleet, _ in
      let answer = try await calls.call(
        try request(
          server, "POST", "/a%20b/../c?x=1&&y", body: "body",
          headers: [
            ("X-Mine", "1"), ("X-Ignite-Function-Id", "spoofed"), ("x_ignite_execution_id", "spoofed"),
            ("X_Ignite-Region", "spoofed"),
            ("Connection", "close, x-gone"), ("X-Gone", "1"), ("Content-Length", "99"),
          ]))
      #expect(answer.status == 418)
      #expect(answer.headers.contains { $0.name == "x-a" && $0.value == "b" })
      #expect(try await text(answer) == "hello")
      while fleet.running > 0 { await Task.yield() }
    }
    let (head, body) = heads.withLock { ($0[0], $0[1]) }
    #expect(head.hasPrefix("POST /a%20b/../c?x=1&&y HTTP/1.1\r\n"))
    #expect(head.contains("X-Mine: 1\r\n"))
    #expect(head.contains("x-ignite-function-id: dev/app\r\n"))
    #expect(head.contains("x-ignite-organization-id: dev\r\n"))
    #expect(head.contains("x-ignite-execution-id: \(execution)\r\n"))
    #expect(!head.contains("spoofed") && !head.lowercased().contains("x-gone") && !head.contains("99"))
    #expect(head.contains("content-length: 4\r\n"))
    #expect(body == "body")
  }

  @Test("one connection carries one call after the other")
  func keepAlive() async throws {
    try await withCalls({ peer in
      while true {
        _ = try peer.message()
        try peer.write(Self.plain)
      }
    }) { calls, server, _, _ in
      for _ in 0..<5 { try await expect("ok", from: calls, server, "POST") }
      #expect(server.connections == 1)
    }
  }

  @Test("a connection that the app closes after its answer is not used again", arguments: ["GET", "POST"])
  func closes(method: String) async throws {
    try await withCalls({ peer in
      _ = try peer.message()
      try peer.write("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok")
    }) { calls, server, _, _ in
      for _ in 0..<3 { try await expect("ok", from: calls, server, method) }
      #expect(server.connections == 3)
    }
  }

  @Test("a kept connection that ends with the next request is tried again when the method may be repeated")
  func stale() async throws {
    try await withCalls({ peer in
      _ = try peer.message()
      try peer.write(Self.plain)
      // The second request of the first connection gets no answer.
      _ = try peer.message()
      if peer.number > 0 { try peer.write(Self.plain) }
    }) { calls, server, _, _ in
      try await expect("ok", from: calls, server)
      try await expect("ok", from: calls, server)
      #expect(server.connections == 2)
      let failure = await failure { _ = try await calls.call(request(server, "POST", body: "x")) }
      // That one went to the second connection, which answers twice; the next finds it closed.
      #expect(failure == nil)
    }
  }

  @Test("a call that may not be repeated is not, and the failure says so")
  func unrepeatable() async throws {
    let posts = Mutex(0)
    try await withCalls({ peer in
      while case let message = try peer.message(), message.head.hasPrefix("GET") { try peer.write(Self.plain) }
      posts.withLock { $0 += 1 }
    }) { calls, server, _, _ in
      try await expect("ok", from: calls, server)
      let failure = await failure { _ = try await calls.call(request(server, "POST")) }
      #expect(failure?.reason == "answer-missing")
      #expect(failure?.hint?.contains("not sent again") == true)
      #expect(posts.withLock { $0 } == 1)
    }
  }

  @Test(
    "answers that are none are told apart",
    arguments: [
      ("this is not HTTP\r\n\r\n", "answer-invalid"),
      ("", "answer-missing"),
      ("HTTP/1.1 200 OK\r\ncontent-le", "answer-missing"),
      ("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", "answer-invalid"),
      ("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "answer-invalid"),
      ("HTTP/1.1 200 OK\r\nx: \(String(repeating: "a", count: 70 << 10))\r\n\r\n", "answer-head-too-large"),
      (
        "HTTP/1.1 200 OK\r\n\(String(repeating: "x: \(String(repeating: "a", count: 1000))\r\n", count: 70))\r\n",
        "answer-head-too-large"
      ),
    ])
  func garbage(answer: String, reason: String) async throws {
    try await withCalls({ peer in
      _ = try peer.message()
      try peer.write(answer)
    }) { calls, server, fleet, _ in
      let failure = await failure { _ = try await calls.call(request(server, "POST")) }
      #expect(failure?.reason == reason)
      while fleet.running > 0 { await Task.yield() }
    }
  }

  @Test("an answer that breaks off is no whole one", arguments: ["content-length: 100", "transfer-encoding: chunked"])
  func brokenOff(framing: String) async throws {
    try await withCalls({ peer in
      _ = try peer.message()
      try peer.write("HTTP/1.1 200 OK\r\n\(framing)\r\n\r\n" + (framing.hasPrefix("t") ? "4\r\nonly\r\n" : "only"))
    }) { calls, server, _, _ in
      let answer = try await calls.call(request(server))
      let failure = await failure { _ = try await text(answer) }
      #expect(failure?.reason == "answer-broken-off")
    }
  }

  @Test(
    "lines of an answer's head may end without CR, as scripts of CGI write them; its body stays as it is",
    arguments: [
      "HTTP/1.1 200 OK\r\nConnection: close\r\nX-A: b\nContent-Type: text/plain\n\n",
      "HTTP/1.1 200 OK\nX-A: b\ncontent-length: 8\n\n", "HTTP/1.0 200 OK\r\nX-A: b\r\n\n",
      "HTTP/1.1 103 Early\nlink: x\n\nHTTP/1.1 200 OK\nX-A: b\ncontent-length: 8\n\n",
    ], [false, true])
  func bareLines(head: String, isSlow: Bool) async throws {
    try await withCalls({ peer in
      while true {
        _ = try peer.message()
        // Each byte by itself: lines come in pieces.
        if isSlow { for byte in head.utf8 { try peer.write([byte]) } } else { try peer.write(head) }
        try peer.write("a\nb\r\n\n\nc")
        if !head.contains("content-length") { return }
      }
    }) { calls, server, _, _ in
      for _ in 0..<2 {
        let answer = try await calls.call(try request(server))
        #expect(answer.status == 200)
        #expect(answer.headers.contains { $0.name == "X-A" && $0.value == "b" })
        #expect(try await text(answer) == "a\nb\r\n\n\nc")
      }
    }
  }

  @Test("an answer without a length ends with its connection")
  func untilEnd() async throws {
    try await withCalls({ peer in
      _ = try peer.message()
      try peer.write("HTTP/1.0 200 OK\r\n\r\nall of it")
    }) { calls, server, _, _ in
      try await expect("all of it", from: calls, server)
    }
  }

  @Test("a call that takes longer than the app may is ended, before its answer and in it")
  func timeout() async throws {
    try await withCalls(
      timeout: .milliseconds(200),
      { peer in
        let message = try peer.message()
        if message.head.contains("/begin") { try peer.write("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx") }
        _ = try peer.readToEnd()
      }
    ) { calls, server, fleet, _ in
      let late = await failure { _ = try await calls.call(request(server)) }
      #expect(late?.reason == "call-timeout")
      #expect(late?.code == .deadlineExceeded)
      #expect(late?.hint?.contains("limits.timeout_secs") == true)
      let answer = try await calls.call(request(server, "GET", "/begin"))
      let broken = await failure { _ = try await text(answer) }
      #expect(broken?.reason == "call-timeout")
      while fleet.running > 0 { await Task.yield() }
    }
  }

  @Test("nobody listens on the port")
  func refused() async throws {
    let port = try ScriptedServer { _ in }.port
    try await withCalls({ _ in }) { calls, _, _, _ in
      let request = AppRequest(app: app, port: try #require(AppPort(port)), execution: execution)
      let failure = await failure { _ = try await calls.call(request) }
      #expect(failure?.reason == "app-not-listening")
      #expect(failure?.message.contains("port \(port)") == true)
    }
  }

  @Test("an app waits for a reader that does not read, and a reader that leaves ends the call")
  func backPressure() async throws {
    let written = Mutex(0)
    try await withCalls({ peer in
      _ = try peer.message()
      try peer.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
      let piece = [UInt8](repeating: 0x61, count: 1 << 16)
      while true {
        try peer.write("10000\r\n")
        try peer.write(piece)
        try peer.write("\r\n")
        written.withLock { $0 += piece.count }
      }
    }) { calls, server, fleet, _ in
      var answer: AppAnswer? = try await calls.call(request(server))
      var pieces = answer?.body.makeAsyncIterator()
      #expect(try await pieces?.next() != nil)
      // Once it stands still it is held by nothing but the kernel's buffers.
      var last = -1
      while case let now = written.withLock({ $0 }), now != last {
        last = now
        try await Task.sleep(for: .milliseconds(300))
      }
      #expect(last < 64 << 20)
      pieces = nil
      answer = nil
      while fleet.running > 0 { await Task.yield() }
    }
  }

  @Test("a replica that has ended takes no more calls, and its kept connections are closed")
  func ended() async throws {
    let over = Mutex(false)
    try await withCalls({ peer in
      _ = try peer.message()
      try peer.write(Self.plain)
      _ = try peer.readToEnd()
      over.withLock { $0 = true }
    }) { calls, server, _, replica in
      try await expect("ok", from: calls, server)
      await replica.stop(grace: .zero)
      while !over.withLock({ $0 }) { await Task.yield() }
      let failure = await failure { _ = try await calls.call(request(server)) }
      #expect(failure?.reason == "replica-ended")
    }
  }

  @Test(
    "what cannot stand in a request is refused before anything is sent",
    arguments: [("G T", "/", "a"), ("GET", "no-slash", "a"), ("GET", "/a b", "a"), ("GET", "/", "a\r\nx: y")])
  func invalid(method: String, target: String, value: String) async throws {
    try await withCalls({ peer in _ = try peer.message() }) { calls, server, _, _ in
      let failure = await failure {
        _ = try await calls.call(request(server, method, target, headers: [("x-a", value)]))
      }
      #expect(failure?.reason == "request-invalid")
      #expect(server.connections == 0)
    }
  }
}

@Suite struct AppDomainTests {
  @Test(
    "what stands before the domain is the label",
    arguments: [
      ("app-dev.ignite.localhost", "app-dev"), ("APP-Dev.Ignite.LocalHost:4480", "app-dev"),
      ("app-dev.ignite.localhost.", "app-dev"), ("a.b.ignite.localhost", "a.b"), ("ignite.localhost", nil),
      (".ignite.localhost", nil), ("localhost:4480", nil), ("xignite.localhost", nil), ("", nil), ("[::1]:80", nil),
      ("app-dev.ignite.localhost.example.org", nil),
    ] as [(String, String?)])
  func labels(host: String, label: String?) { #expect(AppDomain.standard.label(of: host) == label) }

  @Test("points of a name are written out, and the standard port is not said")
  func hosts() throws {
    let app = AppID(organization: try OrganizationName("acme"), name: try AppName("my.app"))
    #expect(AppDomain.standard.host(of: app) == "my-dot-app-acme.ignite.localhost")
    #expect(try AppDomain("Apps.Test").host(of: app, port: #require(AppPort(8080))) == "my-dot-app-acme-8080.apps.test")
  }

  @Test("a domain has to be a name", arguments: ["", "a b", "-a.b", "a..b", "http://x", "a/b"])
  func invalid(name: String) { #expect(throws: Failure.self) { try AppDomain(name) } }
}
