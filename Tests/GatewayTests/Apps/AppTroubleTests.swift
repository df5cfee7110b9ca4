import Diagnostics
import Foundation
import Runner
import Storage
import Synchronization
import TestSupport
import Testing

@testable import Gateway
@testable import Service

/// Apps and clients that do not behave, and apps that are not there yet.
@Suite(.timeLimit(.minutes(1))) struct AppTroubleTests {
  private static let ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

  @Test(
    "an app whose answer is none is a 502 that says why, and the client's connection goes on",
    arguments: [
      ("garbage\r\n\r\n", "answer-invalid"), ("", "answer-missing"),
      ("HTTP/1.1 200 OK\r\nx: \(String(repeating: "a", count: 1 << 20))", "answer-head-too-large"),
      ("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", "answer-invalid"),
    ])
  func garbage(answer: String, reason: String) async throws {
    let house = try await AppHouse { peer in
      _ = try peer.message()
      try peer.write(answer)
      // Closed only when the door has had enough, where it has.
      if answer.utf8.count > 1000 { _ = try peer.readToEnd() }
    }
    try await house.visit { peer, head throws in
      for _ in 0..<2 {
        try peer.write("POST / HTTP/1.1\r\n\(head)Content-Length: 1\r\n\r\nx")
        let (head, body) = try peer.message()
        #expect(head.hasPrefix("HTTP/1.1 502 "))
        #expect(body.contains(#""reason":"\#(reason)""#))
      }
    }
    while house.fleet.running > 0 { await Task.yield() }
  }

  @Test(
    "an answer that breaks off resets the connection, so that nobody takes it for the whole",
    arguments: ["HTTP/1.1", "HTTP/1.0"], ["content-length: 100", "transfer-encoding: chunked"])
  func brokenOff(version: String, framing: String) async throws {
    let sent = DispatchSemaphore(value: 0)
    let house = try await AppHouse { peer in
      _ = try peer.message()
      try peer.write("HTTP/1.1 200 OK\r\n\(framing)\r\n\r\n" + (framing.hasPrefix("t") ? "4\r\nonly\r\n" : "only"))
      sent.wait()
    }
    try await house.visit { peer, head throws in
      try peer.write("GET / \(version)\r\n\(head)\r\n")
      _ = try peer.read(until: "only")
      sent.signal()
      #expect(throws: Peer.Broken.self) { try peer.readToEnd() }
    }
  }

  @Test("a call that takes longer than the app may is a 504 that says what to raise; in an answer it is a reset")
  func timeout() async throws {
    let house = try await AppHouse(timeout: .milliseconds(300)) { peer in
      let message = try peer.message()
      if message.head.contains("/begin") { try peer.write("HTTP/1.1 200 OK\r\n\r\nbegun") }
      _ = try peer.readToEnd()
    }
    try await house.visit { peer, head throws in
      try peer.write("GET / HTTP/1.1\r\n\(head)\r\n")
      let (answer, body) = try peer.message()
      #expect(answer.hasPrefix("HTTP/1.1 504 "))
      #expect(body.contains("limits.timeout_secs"))
      try peer.write("GET /begin HTTP/1.1\r\n\(head)\r\n")
      _ = try peer.read(until: "begun")
      #expect(throws: Peer.Broken.self) { while try !peer.readSome().isEmpty {} }
    }
    while house.fleet.running > 0 { await Task.yield() }
  }

  @Test("a connection on which nothing is asked is closed after a while")
  func idle() async throws {
    let house = try await AppHouse(idle: .milliseconds(300)) { peer in
      _ = try peer.message()
      try peer.write(Self.ok)
    }
    try await house.visit { peer, head throws in
      try peer.write("GET / HTTP/1.1\r\n\(head)\r\n")
      _ = try peer.message()
      #expect(try peer.readToEnd() == "")
    }
  }

  @Test(
    "requests that cannot be an app's are refused, each in its own way",
    arguments: [
      ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 421), ("GET / HTTP/1.1\r\nHost: ignite.localhost\r\n\r\n", 421),
      ("GET / HTTP/1.1\r\n\r\n", 400),
      ("GET / HTTP/1.1\r\nHost: app-dev.ignite.localhost\r\nHost: localhost\r\n\r\n", 400),
      ("CONNECT a:1 HTTP/1.1\r\nHost: app-dev.ignite.localhost\r\n\r\n", 405),
      ("POST / HTTP/1.1\r\nHost: app-dev.ignite.localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
      ("GET http://localhost/ HTTP/1.1\r\nHost: app-dev.ignite.localhost\r\n\r\n", 400),
      ("GET http://app-dev.ignite.localhost.x/ HTTP/1.1\r\nHost: app-dev.ignite.localhost\r\n\r\n", 400),
      ("GET / HTTP/1.1\r\nHost: app-dev.ignite.localhost:80/../@evil\r\n\r\n", 400),
      ("GET / HTTP/1.1\r\nHost: app-dev.ignite.localhost:99999\r\n\r\n", 400),
      ("GET / HTTP/1.1\r\nHost: app-dev.ignite.localhost:+80\r\n\r\n", 400),
      ("POST / HTTP/1.0\r\nHost: app-dev.ignite.localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
      ("GET / HTTP/1.1\r\nHost app-dev\r\n\r\n", 400),
      (
        "POST / HTTP/1.1\r\nHost: app-dev.ignite.localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
          + "0\r\n\r\n", 400
      ),
      (
        "GET / HTTP/1.1\r\nHost: app-dev.ignite.localhost\r\nx: \(String(repeating: "a", count: 70 << 10))\r\n\r\n", 431
      ),
    ])
  func misfits(request: String, status: Int) async throws {
    let house = try await AppHouse(AppScript.mirror)
    let port = house.port
    try await onThread { () throws in
      let peer = try Peer(port: port)
      try peer.write(request)
      let (head, body) = try peer.message()
      #expect(head.hasPrefix("HTTP/1.1 \(status) "), "\(head)\(body)")
      #expect(head.contains("connection: close\r\n"))
      #expect(try peer.readToEnd() == "")
    }
    #expect(house.connections == 0)
  }

  @Test("a body that is none is a 400, as long as nothing is answered", arguments: [true, false])
  func invalidBody(isAwaited: Bool) async throws {
    let arrived = DispatchSemaphore(value: 0)
    let house = try await AppHouse { peer in
      _ = try peer.read(until: "\r\n\r\n")
      arrived.signal()
      _ = try? peer.readToEnd()
    }
    if isAwaited { house.fleet.cool() }
    let fleet = house.fleet
    try await house.visit { peer, head throws in
      try peer.write("POST / HTTP/1.1\r\n\(head)Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
      if !isAwaited { arrived.wait() }
      try peer.write("nonsense\r\n")
      let (answer, body) = try peer.message()
      #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(answer)")
      #expect(answer.contains("connection: close\r\n"))
      #expect(body.contains("request-invalid"))
      // What still comes does not take the answer away.
      try? peer.write("more of it")
      #expect(try peer.readToEnd() == "")
    }
    while fleet.running > 0 { await Task.yield() }
  }

  @Test("an absolute target is the path of its host")
  func absolute() async throws {
    let house = try await AppHouse(AppScript.mirror)
    try await house.visit { peer, head throws in
      try peer.write("GET http://app-dev.ignite.localhost:4480/a?b HTTP/1.1\r\n\(head)\r\n")
      #expect(try peer.message().body.hasPrefix("GET /a?b HTTP/1.1\r\n"))
      try peer.write("GET http://app-dev.ignite.localhost:4480?b HTTP/1.1\r\n\(head)\r\n")
      #expect(try peer.message().body.hasPrefix("GET /?b HTTP/1.1\r\n"))
    }
  }

  @Test("a refusal can be read, however much the client still has to send")
  func largeRefusal() async throws {
    let house = try await AppHouse(AppScript.mirror)
    let port = house.port
    try await onThread { () throws in
      let peer = try Peer(port: port)
      let sender = Thread {
        try? peer.write("PUT / HTTP/1.1\r\nHost: app-dev.ignite.localhost\r\nContent-Length: \(1 << 30)\r\n\r\n")
        let piece = [UInt8](repeating: 0x61, count: 1 << 16)
        for _ in 0..<100 { guard (try? peer.write(piece)) != nil else { return } }
      }
      sender.start()
      #expect(try peer.message().head.hasPrefix("HTTP/1.1 401 "))
    }
  }

  @Test("a call of an app that has to be started waits for it, body and all")
  func cold() async throws {
    let house = try await AppHouse(AppScript.mirror)
    house.fleet.cool()
    let fleet = house.fleet
    try await house.visit { peer, head throws in
      try peer.write("POST /first HTTP/1.1\r\n\(head)Content-Length: 5\r\n\r\nab")
      while fleet.waiting < 1 { sched_yield() }
      try peer.write("cde")
      try peer.write("GET /second HTTP/1.1\r\n\(head)\r\n")
      fleet.warm()
      let first = try peer.message().body
      #expect(first.hasPrefix("POST /first ") && first.hasSuffix("\r\n\r\nabcde"))
      #expect(try peer.message().body.hasPrefix("GET /second "))
    }
  }

  @Test("a client that does not wait for the start is not called for")
  func coldDeparture() async throws {
    let house = try await AppHouse(AppScript.mirror)
    house.fleet.cool()
    let fleet = house.fleet
    try await house.visit { peer, head throws in
      try peer.write("POST /first HTTP/1.1\r\n\(head)Content-Length: 5\r\n\r\nab")
      while fleet.waiting < 1 { sched_yield() }
    }
    while fleet.departed < 1 { await Task.yield() }
    fleet.warm()
    try await house.visit { peer, head throws in
      try peer.write("GET / HTTP/1.1\r\n\(head)\r\n")
      #expect(try peer.message().head.hasPrefix("HTTP/1.1 200 "))
    }
    while fleet.running > 0 { await Task.yield() }
    #expect(house.connections == 1)
  }

  @Test("an app that does not start is a 503 with the reason, and says when to try again")
  func refused() async throws {
    let house = try await AppHouse(AppScript.mirror)
    house.fleet.refuse(
      Failure(
        .unavailable, reason: "app-not-ready", "app 'dev/app' ended with status 7", hint: "see its log",
        cause: "configuration file is missing"))
    let fleet = house.fleet
    try await house.visit { peer, head throws in
      try peer.write("POST / HTTP/1.1\r\n\(head)Content-Length: 3\r\n\r\nabc")
      let (answer, body) = try peer.message()
      #expect(answer.hasPrefix("HTTP/1.1 503 "))
      #expect(answer.contains("retry-after: 1\r\n"))
      #expect(body.contains("app-not-ready") && body.contains("configuration file is missing"))
      fleet.refuse(Failure(.failedPrecondition, reason: "version-missing", "nothing is published"))
      try peer.write("GET / HTTP/1.1\r\n\(head)\r\n")
      #expect(try peer.message().head.hasPrefix("HTTP/1.1 503 "))
      fleet.refuse(Failure(.resourceExhausted, reason: "app-crowded", "too many wait"))
      try peer.write("GET / HTTP/1.1\r\n\(head)\r\n")
      let crowded = try peer.message().head
      #expect(crowded.hasPrefix("HTTP/1.1 429 ") && crowded.contains("retry-after: 1\r\n"))
      fleet.refuse(nil)
      try peer.write("GET / HTTP/1.1\r\n\(head)\r\n")
      #expect(try peer.message().head.hasPrefix("HTTP/1.1 200 "))
    }
  }

  @Test("a replica that ended a moment ago fails no call when there is another")
  func replaced() async throws {
    let house = try await AppHouse(AppScript.mirror)
    await house.replica.stop(grace: .zero)
    house.fleet.put(FakeReplica(house.app), onceAskedFor: house.replica)
    try await house.visit { peer, head throws in
      try peer.write("POST / HTTP/1.1\r\n\(head)Content-Length: 3\r\n\r\nabc")
      #expect(try peer.message().body.hasSuffix("\r\n\r\nabc"))
    }
  }

  @Test("nobody listens on the port")
  func notListening() async throws {
    let house = try await AppHouse(AppScript.mirror)
    house.silence()
    try await house.visit { peer, head throws in
      try peer.write("GET / HTTP/1.1\r\n\(head)\r\n")
      let (answer, body) = try peer.message()
      #expect(answer.hasPrefix("HTTP/1.1 502 "))
      #expect(body.contains("app-not-listening"))
    }
  }
}
