import Diagnostics
import NIOCore
import NIOHTTP1
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import Outbound

/// Runs `body` with a client that is shut down afterwards; `names` stand in for the resolver.
func withClient<Value>(
  _ policy: OutboundPolicy = OutboundPolicy(), environment: [String: String] = [:], names: [String: [String]] = [:],
  _ body: (OutboundClient) async throws -> Value
) async throws -> Value {
  let client = OutboundClient(policy: policy, environment: environment) {
    (host, port, patience) async throws(Failure) -> [NetworkAddress] in
    if let texts = names[host] { return texts.compactMap { NetworkAddress(literal: $0) } }
    return try await NameResolver.addresses(of: host, port: port, patience: patience)
  }
  do {
    let value = try await body(client)
    await client.shutdown()
    return value
  } catch {
    await client.shutdown()
    throw error
  }
}

extension OutboundClient {
  func get(_ text: String, headers: [(name: String, value: String)] = [], redirects: RedirectRule = .follow(limit: 5))
    async throws -> OutboundAnswer
  {
    try await send(OutboundRequest(url: try OutboundURL(parsing: text), headers: headers, redirects: redirects))
  }

  /// The reason of the failure that a GET ends with.
  func reason(_ text: String, redirects: RedirectRule = .follow(limit: 5)) async throws -> String {
    let failure = await #expect(throws: Failure.self) {
      let answer = try await get(text, redirects: redirects)
      _ = try await answer.text(limit: .mebibytes(1))
    }
    return failure?.reason ?? ""
  }
}

@Suite("Requests to servers elsewhere")
struct OutboundClientTests {
  @Test("a request arrives as it was made and the answer as it was given")
  func plain() async throws {
    try await withServer { asked in
      .answer(status: 404, headers: [("X-One", "1"), ("x-one", "2")], body: Array("not here".utf8))
    } _: { server in
      try await withClient { client in
        let request = OutboundRequest(
          method: "POST", url: try OutboundURL(parsing: server.base + "/a%2Fb//c?x=%20&y"),
          headers: [("X-Mine", "yes")], body: .bytes(Array("hello".utf8)))
        let answer = try await client.send(request)
        #expect(answer.status == 404)
        #expect(answer.headers(named: "X-ONE") == ["1", "2"])
        let got1 = try await answer.text(limit: .kibibytes(1))
        #expect(got1 == "not here")
      }
      let asked = try #require(server.asked.first)
      #expect(asked.method == "POST")
      #expect(asked.target == "/a%2Fb//c?x=%20&y")
      #expect(asked.headers["x-mine"] == ["yes"])
      #expect(asked.headers["user-agent"] == ["kindling"])
      #expect(asked.headers["host"] == ["127.0.0.1:\(server.port)"])
      #expect(asked.headers["content-length"] == ["5"])
      #expect(asked.bodyLength == 5)
    }
  }

  @Test("a file and a stream are sent piece by piece, one with its length and one chunked")
  func bodies() async throws {
    try await withTemporaryFolder { folder in
      try folder.write(String(repeating: "0123456789", count: 100_000), to: "body")
      try await withServer({ _ in .answer(status: 201) }) { server in
        try await withClient { client in
          let url = try OutboundURL(parsing: server.base + "/up")
          let file = OutboundBody.file(FilePath(folder.path("body")), offset: 10, length: 999_000)
          let got2 = try await client.send(OutboundRequest(method: "PUT", url: url, body: file)).status
          #expect(got2 == 201)
          let left = Mutex(3)
          let stream = OutboundBody.stream(length: nil) { () async throws(Failure) -> [UInt8]? in
            left.withLock { left -> [UInt8]? in
              left -= 1
              return left < 0 ? nil : [1, 2, 3, 4]
            }
          }
          let got3 = try await client.send(OutboundRequest(method: "PATCH", url: url, body: stream)).status
          #expect(got3 == 201)
        }
        #expect(server.asked.map(\.bodyLength) == [999_000, 12])
        #expect(server.asked[0].headers["content-length"] == ["999000"])
        #expect(server.asked[1].headers["transfer-encoding"] == ["chunked"])
      }
    }
  }

  @Test("what the maker of a body throws is what the request throws")
  func bodyFails() async throws {
    try await withServer({ _ in .answer(status: 201) }) { server in
      try await withClient { client in
        let body = OutboundBody.stream(length: 10) { () async throws(Failure) -> [UInt8]? in
          throw Failure(.dataLoss, reason: "my-own", "the source broke")
        }
        let failure = await #expect(throws: Failure.self) {
          try await client.send(
            OutboundRequest(method: "PUT", url: try OutboundURL(parsing: server.base), body: body))
        }
        #expect(failure?.reason == "my-own")
      }
    }
  }

  @Test("many gigabytes' worth of body pass through little memory")
  func huge() async throws {
    let piece = ByteBuffer(repeating: 7, count: 1 << 20)
    try await withServer({ _ in .flood(piece: piece, count: 1024) }) { server in
      try await withClient { client in
        let before = residentBytes()
        var count = 0
        var most = 0
        try await client.get(server.base).forEachChunk { chunk throws(Failure) in
          count += chunk.count
          most = max(most, chunk.count)
        }
        #expect(count == 1 << 30)
        #expect(residentBytes() - before < 100 << 20)
        #expect(most <= 4 << 20)
      }
    }
  }

  private func residentBytes() -> Int {
    let text = try? String(decoding: fileBytes("/proc/self/statm"), as: UTF8.self)
    return Int(text?.split(separator: " ").dropFirst().first ?? "").map { $0 * 4096 } ?? 0
  }

  private func fileBytes(_ path: String) throws -> [UInt8] {
    let file = try SystemPackage.FileDescriptor.open(FilePath(path), .readOnly)
    return try file.closeAfter {
      try [UInt8](unsafeUninitializedCapacity: 4096) { space, count in
        count = try file.read(into: UnsafeMutableRawBufferPointer(space))
      }
    }
  }

  @Test("a body longer than agreed is refused")
  func tooLarge() async throws {
    try await withServer({ _ in .answer(status: 200, body: Array(repeating: 65, count: 2000)) }) { server in
      try await withClient { client in
        let failure = await #expect(throws: Failure.self) {
          try await client.get(server.base).text(limit: .kibibytes(1))
        }
        #expect(failure?.reason == "outbound-too-large")
      }
    }
  }

  @Test("a server that says nothing, or stops in the middle, is left after the patience agreed")
  func stalls() async throws {
    var policy = OutboundPolicy()
    policy.idleTimeout = .milliseconds(60)
    try await withServer({ $0.target == "/stall" ? .stall(announcing: 100) : .silence }) { server in
      try await withClient(policy) { client in
        let got4 = try await client.reason(server.base + "/stall")
        #expect(got4 == "outbound-timeout")
        let got5 = try await client.reason(server.base + "/silence")
        #expect(got5 == "outbound-timeout")
      }
    }
  }

  @Test("a server that hangs up, none at all, and a name without an address are told apart")
  func failures() async throws {
    let closed = try await ScriptedServer { _ in .hangUp }
    let gone = closed.base
    await closed.stop()
    try await withServer({ _ in .hangUp }) { server in
      try await withClient { client in
        let got6 = try await client.reason(server.base)
        #expect(got6 == "outbound-closed")
        let got7 = try await client.reason(gone)
        #expect(got7 == "outbound-refused")
        let got8 = try await client.reason("http://no-such-host.invalid/")
        #expect(got8 == "outbound-dns")
      }
    }
  }

  @Test(
    "cancelling the task closes the connection, before the head and in the body", arguments: ["/silence", "/stall"])
  func cancellation(path: String) async throws {
    try await withServer({ $0.target == "/stall" ? .stall(announcing: 100) : .silence }) { server in
      try await withClient { client in
        let task = Task {
          let answer = try await client.get(server.base + path)
          return try await answer.text(limit: .kibibytes(1))
        }
        while server.asked.isEmpty { await Task.yield() }
        task.cancel()
        let failure = await #expect(throws: Failure.self) { try await task.value }
        #expect(failure?.reason == "cancelled")
        await server.connectionClosed()
      }
    }
  }

  @Test("an answer let go unread closes its connection")
  func letGo() async throws {
    try await withServer({ _ in .stall(announcing: 100) }) { server in
      try await withClient { client in
        let got9 = try await client.get(server.base).status
        #expect(got9 == 200)
        await server.connectionClosed()
      }
    }
  }

  @Test("a body thrown away that drips for ever costs its connection, not the request's time")
  func drippingAway() async throws {
    try await withServer({ _ in .drip }) { server in
      try await withClient { client in
        let answer = try await client.get(server.base)
        #expect(answer.status == 404)
        let began = ContinuousClock.now
        await answer.discard()
        #expect(began.duration(to: .now) < .seconds(10))
        await server.connectionClosed()
      }
    }
  }

  @Test("after the first address that does not answer the next is tried")
  func nextAddress() async throws {
    try await withServer({ _ in .answer(status: 200) }) { server in
      try await withClient(names: ["two.example": ["127.0.0.9", "127.0.0.1"]]) { client in
        let got10 = try await client.get("http://two.example:\(server.port)/").status
        #expect(got10 == 200)
      }
      #expect(server.asked.first?.headers["host"] == ["two.example:\(server.port)"])
    }
  }

  @Test("with the network switched off only this machine is spoken to")
  func offline() async throws {
    var policy = OutboundPolicy()
    policy.reach = .loopback
    try await withServer({ _ in .answer(status: 200) }) { server in
      try await withClient(policy, names: ["far.example": ["192.0.2.1"]]) { client in
        let got11 = try await client.get(server.base).status
        #expect(got11 == 200)
        let got12 = try await client.reason("http://far.example/")
        #expect(got12 == "outbound-offline")
      }
    }
  }

  @Test("gzip is unpacked when asked for, never beyond the limit, and left alone when not")
  func gzip() async throws {
    let bomb = try await gzipped(zeros: 10 << 20)
    try await withServer { asked in
      .answer(status: 200, headers: [("Content-Encoding", "gzip")], body: bomb)
    } _: { server in
      try await withClient { client in
        func ask(_ limit: ByteCount?) async throws -> OutboundAnswer {
          try await client.send(OutboundRequest(url: try OutboundURL(parsing: server.base), acceptsGzip: limit))
        }
        let got13 = try await ask(.mebibytes(11)).bytes(limit: .mebibytes(11)).count
        #expect(got13 == 10 << 20)
        let got14 = try await ask(nil).bytes(limit: .mebibytes(11))
        #expect(got14 == bomb)
        var seen = 0
        let failure = await #expect(throws: Failure.self) {
          try await ask(.mebibytes(1)).forEachChunk { chunk throws(Failure) in seen += chunk.count }
        }
        #expect(failure?.reason == "outbound-too-large")
        #expect(seen <= 1 << 20)
      }
      #expect(server.asked.map { $0.headers["accept-encoding"] } == [["gzip"], [], ["gzip"]])
    }
  }

  @Test("a gzip'd answer that is cut short, or is none, is refused")
  func brokenGzip() async throws {
    let whole = try await gzipped(zeros: 1 << 20)
    try await withServer { asked in
      .answer(
        status: 200, headers: [("Content-Encoding", "gzip")],
        body: asked.target == "/cut" ? Array(whole.dropLast(10)) : Array("plain text".utf8))
    } _: { server in
      try await withClient { client in
        for path in ["/cut", "/none"] {
          let failure = await #expect(throws: Failure.self) {
            let url = try OutboundURL(parsing: server.base + path)
            try await client.send(OutboundRequest(url: url, acceptsGzip: .mebibytes(4))).forEachChunk { _ in }
          }
          #expect(failure?.reason == "outbound-gzip")
        }
      }
    }
  }

  private func gzipped(zeros: Int) async throws -> [UInt8] {
    try await withTemporaryFolder { folder in
      let script = "head -c \(zeros) /dev/zero | gzip -9 > \(folder.path("z.gz"))"
      try await Tool("/bin/sh").run(["-c", script])
      let file = try SystemPackage.FileDescriptor.open(FilePath(folder.path("z.gz")), .readOnly)
      return try file.closeAfter {
        try [UInt8](unsafeUninitializedCapacity: 1 << 20) { space, count in
          count = try file.read(into: UnsafeMutableRawBufferPointer(space))
        }
      }
    }
  }
}
