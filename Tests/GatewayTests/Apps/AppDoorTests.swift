import Diagnostics
import Foundation
import Runner
import Synchronization
import TestSupport
import Testing

@testable import Gateway
@testable import Service

/// What passes between a client and an app, seen from both ends.
@Suite(.timeLimit(.minutes(1))) struct AppDoorTests {
  @Test("method, target, headers and body arrive as they were sent; what is the connection's alone does not")
  func verbatim() async throws {
    let house = try await AppHouse(AppScript.mirror)
    try await house.visit { peer, head throws in
      try peer.write(
        "PATCH /a%20b/../c?x=1&&y HTTP/1.1\r\n\(head)X-Mine: 1\r\nX-Forwarded-For: 10.0.0.1\r\nConnection: x-gone\r\n"
          + "X-Gone: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nX-IGNITE-Execution-Id: spoofed\r\n"
          + "x_ignite_function_id: spoofed\r\nX-Ignite-Organization-Id: spoofed\r\n"
          + "X-Ignite-Revision: spoofed\r\nx_Ignite-region_id: spoofed\r\nX-Ignited: kept\r\nContent-Length: 4\r\n\r\nbody"
      )
      let (answer, seen) = try peer.message()
      #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
      #expect(!answer.lowercased().contains("access-control"))
      #expect(seen.hasPrefix("PATCH /a%20b/../c?x=1&&y HTTP/1.1\r\nHost: app-dev.ignite.localhost:4480\r\n"))
      #expect(seen.contains("Authorization: Bearer "))
      #expect(seen.contains("X-Mine: 1\r\n") && seen.contains("X-Ignited: kept\r\n"))
      #expect(seen.contains("x-forwarded-for: 10.0.0.1, 127.0.0.1\r\n"))
      #expect(seen.contains("x-forwarded-proto: http\r\nx-forwarded-host: app-dev.ignite.localhost:4480\r\n"))
      #expect(seen.contains("x-ignite-execution-id: exec_"))
      #expect(seen.contains("x-ignite-function-id: dev/app\r\nx-ignite-organization-id: dev\r\n"))
      #expect(seen.hasSuffix("\r\n\r\nbody"))
      for gone in ["spoofed", "x-gone", "keep-alive", "connection:"] { #expect(!seen.lowercased().contains(gone)) }
    }
  }

  @Test("requests of one connection are answered in their order, those sent together too")
  func pipelining() async throws {
    let house = try await AppHouse(AppScript.mirror)
    try await house.visit { peer, head throws in
      try peer.write((0..<20).map { "POST /\($0) HTTP/1.1\r\n\(head)Content-Length: 2\r\n\r\n\($0 % 10)x" }.joined())
      for number in 0..<20 {
        let seen = try peer.message().body
        #expect(seen.hasPrefix("POST /\(number) "))
        #expect(seen.hasSuffix("\r\n\r\n\(number % 10)x"))
      }
    }
    #expect(house.connections == 1)
    while house.fleet.running > 0 { await Task.yield() }
  }

  @Test("chunks stay chunks both ways, and trailers come behind them, without those nobody may say")
  func chunks() async throws {
    let house = try await AppHouse { peer in
      let message = try peer.message()
      let text = message.head.contains("chunked") ? message.body : "not chunked"
      try peer.write(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n0\r\n"
          + "x-sum: 7\r\n\r\n")
    }
    try await house.visit { peer, head throws in
      try peer.write(
        "POST / HTTP/1.1\r\n\(head)Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-mine: 1\r\n"
          + "X-Ignite-Execution-Id: spoofed\r\nx_ignite_region: spoofed\r\n\r\n")
      let (answer, body) = try peer.message()
      #expect(answer.contains("transfer-encoding: chunked\r\n"))
      #expect(body == "abcx-mine: 1\r\nx-sum: 7\r\n")
    }
  }

  @Test("an answer without a length is chunked for HTTP/1.1, and ends the connection for HTTP/1.0")
  func untilEnd() async throws {
    let house = try await AppHouse { peer in
      _ = try peer.message()
      try peer.write("HTTP/1.0 200 OK\r\nx: y\r\n\r\nall of it")
    }
    try await house.visit { peer, head throws in
      for _ in 0..<2 {
        try peer.write("GET / HTTP/1.1\r\n\(head)\r\n")
        let (answer, body) = try peer.message()
        #expect(answer.contains("transfer-encoding: chunked"))
        #expect(body == "all of it")
      }
    }
    try await house.visit { peer, head throws in
      try peer.write("GET / HTTP/1.0\r\n\(head)\r\n")
      let text = try peer.readToEnd()
      #expect(text.hasSuffix("\r\n\r\nall of it"))
      #expect(text.contains("connection: close"))
    }
  }

  @Test("HEAD, 204 and 304 have no body, whatever their headers say")
  func bodyless() async throws {
    let house = try await AppHouse { peer in
      while case let head = try peer.message(hasBody: false).head {
        let status = head.hasPrefix("HEAD") ? "200 OK" : head.contains("/204") ? "204 No Content" : "304 Not Modified"
        let framing = status.hasPrefix("200") ? "content-length: 5" : "x: y"
        try peer.write("HTTP/1.1 \(status)\r\n\(framing)\r\n\r\n")
      }
    }
    try await house.visit { peer, head throws in
      try peer.write("HEAD / HTTP/1.1\r\n\(head)\r\nGET /204 HTTP/1.1\r\n\(head)\r\nGET /304 HTTP/1.1\r\n\(head)\r\n")
      let first = try peer.message(hasBody: false).head
      #expect(first.hasPrefix("HTTP/1.1 200") && first.contains("content-length: 5"))
      #expect(try peer.message(hasBody: false).head.hasPrefix("HTTP/1.1 204"))
      #expect(try peer.message(hasBody: false).head.hasPrefix("HTTP/1.1 304"))
    }
    #expect(house.connections == 1)
  }

  @Test("a client that asks first hears the app's own answer before it sends")
  func expectation() async throws {
    let house = try await AppHouse { peer in
      let head = try peer.read(until: "\r\n\r\n")
      #expect(head.contains("Expect: 100-continue"))
      if head.contains("/no") { return try peer.write("HTTP/1.1 417 No\r\ncontent-length: 0\r\n\r\n") }
      try peer.write("HTTP/1.1 100 Continue\r\n\r\n")
      let body = String(decoding: try peer.read(3), as: UTF8.self)
      try peer.write("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n\(body)")
    }
    let more = "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"
    try await house.visit { peer, head throws in
      try peer.write("POST / HTTP/1.1\r\n\(head)\(more)")
      #expect(try peer.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100 "))
      try peer.write("abc")
      #expect(try peer.message().body == "abc")
    }
    try await house.visit { peer, head throws in
      try peer.write("POST /no HTTP/1.1\r\n\(head)\(more)")
      #expect(try peer.readToEnd().hasPrefix("HTTP/1.1 417 "))
    }
  }

  @Test("each event of a stream is there before the next is written")
  func events() async throws {
    let house = try await AppHouse { peer in
      _ = try peer.message()
      try peer.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
      for number in 0..<3 {
        try peer.write("data: \(number)\n\n")
        // Whoever waits for more than one would wait for ever.
        _ = try peer.readSomeOrWait(500)
      }
    }
    try await house.visit { peer, head throws in
      try peer.write("GET / HTTP/1.1\r\n\(head)\r\n")
      for number in 0..<3 { #expect(try peer.read(until: "\n\n").hasSuffix("data: \(number)\n\n")) }
    }
  }

  @Test(
    "an upgraded connection carries bytes both ways, from the first one behind the heads", arguments: [true, false])
  func upgrade(isEarly: Bool) async throws {
    let house = try await AppHouse { peer in
      let head = try peer.read(until: "\r\n\r\n").lowercased()
      #expect(head.contains("upgrade: websocket\r\n") && head.contains("connection: upgrade\r\n"))
      try peer.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n"
          + "app first")
      while case let some = try peer.readSome(), !some.isEmpty { try peer.write(some) }
      try peer.write("bye")
    }
    try await house.visit { peer, head throws in
      let request = "GET /ws HTTP/1.1\r\n\(head)Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
      try peer.write(request + (isEarly ? "client first" : ""))
      let answer = try peer.read(until: "\r\n\r\n")
      #expect(answer.hasPrefix("HTTP/1.1 101 "))
      #expect(answer.contains("Sec-WebSocket-Accept: x\r\n") && answer.contains("upgrade: websocket\r\n"))
      #expect(try peer.read(until: "app first") == "app first")
      if !isEarly { try peer.write("client first") }
      #expect(try peer.read(until: "client first") == "client first")
      let large = [UInt8](repeating: 0x61, count: 4 << 20)
      let sender = Thread { try? peer.write(large) }
      sender.start()
      #expect(try peer.read(large.count) == large)
      peer.endSending()
      #expect(try peer.readToEnd() == "bye")
    }
    while house.fleet.running > 0 { await Task.yield() }
  }

  @Test("an upgrade that the app does not take is an answer like any other; h2c is never offered to it")
  func noUpgrade() async throws {
    let house = try await AppHouse(AppScript.mirror)
    for offer in ["websocket", "h2c"] {
      try await house.visit { peer, head throws in
        try peer.write(
          "GET / HTTP/1.1\r\n\(head)Connection: Upgrade, HTTP2-Settings\r\nUpgrade: \(offer)\r\nHTTP2-Settings: A\r\n\r\n"
        )
        let text = try peer.readToEnd()
        #expect(text.hasPrefix("HTTP/1.1 200 ") && text.contains("connection: close\r\n"))
        #expect(text.contains("upgrade: \(offer)\r\n") == (offer == "websocket"))
        #expect(!text.contains("HTTP2-Settings: A"))
      }
    }
  }

  @Test("a body of any size goes through, and back, without being gathered on the way")
  func streams() async throws {
    let house = try await AppHouse { peer in
      _ = try peer.read(until: "\r\n\r\n")
      try peer.write("HTTP/1.1 200 OK\r\ncontent-length: \(64 << 20)\r\n\r\n")
      var left = 64 << 20
      while left > 0 {
        let some = try peer.readSome()
        try peer.write(some)
        left -= some.count
      }
    }
    try await house.visit { peer, head throws in
      let piece = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      let sender = Thread {
        try? peer.write("PUT / HTTP/1.1\r\n\(head)Content-Length: \(64 << 20)\r\n\r\n")
        for _ in 0..<64 { try? peer.write(piece) }
      }
      sender.start()
      #expect(try peer.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 200 "))
      for _ in 0..<64 { #expect(try peer.read(1 << 20) == piece) }
    }
  }

  @Test("an app waits for a client that does not read, and a client for an app that does not")
  func backPressure() async throws {
    let written = Mutex(0)
    let house = try await AppHouse { peer in
      let head = try peer.read(until: "\r\n\r\n")
      if head.hasPrefix("PUT") { Thread.sleep(forTimeInterval: 600) }
      try peer.write("HTTP/1.1 200 OK\r\ncontent-length: \(1 << 30)\r\n\r\n")
      let piece = [UInt8](repeating: 0x61, count: 1 << 16)
      for _ in 0..<1 << 14 {
        try peer.write(piece)
        written.withLock { $0 += piece.count }
      }
    }
    try await house.visit { peer, head throws in
      try peer.write("GET / HTTP/1.1\r\n\(head)\r\n")
      _ = try peer.read(until: "\r\n\r\n")
      #expect(Self.standstill { written.withLock { $0 } } < 64 << 20)
    }
    while house.fleet.running > 0 { await Task.yield() }
    let sent = Mutex(0)
    try await house.visit { peer, head throws in
      try peer.write("PUT / HTTP/1.1\r\n\(head)Content-Length: \(1 << 30)\r\n\r\n")
      let sender = Thread {
        let piece = [UInt8](repeating: 0x61, count: 1 << 16)
        while (try? peer.write(piece)) != nil { sent.withLock { $0 += piece.count } }
      }
      sender.start()
      #expect(Self.standstill { sent.withLock { $0 } } < 64 << 20)
    }
  }

  /// What a number comes to when it does not change any more.
  private static func standstill(_ number: () -> Int) -> Int {
    var last = -1
    while case let now = number(), now != last {
      last = now
      Thread.sleep(forTimeInterval: 0.3)
    }
    return last
  }

  @Test("an app hears at once that its client has gone", arguments: ["GET", "POST"])
  func departure(method: String) async throws {
    let (arrived, gone) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let house = try await AppHouse { peer in
      _ = try peer.read(until: "\r\n\r\n")
      arrived.signal()
      while (try? peer.readSome().isEmpty) == false {}
      gone.signal()
    }
    try await house.visit { peer, head throws in
      try peer.write("\(method) / HTTP/1.1\r\n\(head)" + (method == "POST" ? "Content-Length: 10\r\n\r\nabc" : "\r\n"))
      arrived.wait()
      peer.close()
      #expect(gone.wait(timeout: .now() + 20) == .success)
    }
    while house.fleet.running > 0 { await Task.yield() }
  }
}
