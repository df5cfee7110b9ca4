import HTTPTypes
import NIOCore
import Testing

@testable import Gateway

/// What only a socket shows.
@Suite struct LiveGatewayTests {
  @Test("large blobs leave by sendfile, whole and in part, on a connection that goes on")
  func sendfile() async throws {
    let house = try await TestHouse()
    let text = String(repeating: "0123456789abcdef", count: 50_000)
    let path = "/v2/dev/app/blobs/\(RegistryDoorTests.digest(text))"
    _ = try await house.send(
      .post,
      "/v2/dev/app/blobs/uploads/?digest=\(RegistryDoorTests.digest(text))",
      body: text
    )
    try await withLiveGateway(house) { client in
      for _ in 0..<2 {
        try await client.send("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
        let whole = await client.response()
        #expect(whole.head.hasPrefix("HTTP/1.1 200 "))
        #expect(whole.body == text)
        try await client.send("GET \(path) HTTP/1.1\r\nHost: localhost\r\nRange: bytes=7-700006\r\n\r\n")
        let part = await client.response()
        #expect(part.head.hasPrefix("HTTP/1.1 206 "))
        #expect(part.body == String(text.dropFirst(7).prefix(700_000)))
      }
      try await client.send("HEAD \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
      let head = await client.read(until: "\r\n\r\n")
      #expect(head.contains("Content-Length: 800000\r\n"))
      #expect(head.hasSuffix("\r\n\r\n"))
    }
  }

  @Test("a client that stalls inside a body loses the connection, and its upload goes on from where it stood")
  func stalled() async throws {
    let house = try await TestHouse()
    let begun = try await house.send(.post, "/v2/dev/app/blobs/uploads/")
    let place = try #require(begun.headers[.location])
    try await withLiveGateway(house, idle: .seconds(1)) { client in
      try await client.send("PATCH \(place) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n\r\n0123456789")
      #expect(await client.read(until: "never") == "")
    }
    let status = try await house.send(.get, place)
    #expect(status.status == 204 && status.headers[.range] == "0-0")
    let digest = RegistryDoorTests.digest("whole")
    let done = try await house.send(.put, "\(place)?digest=\(digest)", body: "whole")
    #expect(done.status == 201)
  }

  @Test("a client that asks first is told to go on")
  func expectation() async throws {
    let house = try await TestHouse()
    try await withLiveGateway(house) { client in
      try await client.send(
        "POST /v2/dev/app/blobs/uploads/?digest=\(RegistryDoorTests.digest("abc")) HTTP/1.1\r\nHost: localhost\r\n"
          + "Content-Length: 3\r\nExpect: 100-continue\r\n\r\n"
      )
      #expect(await client.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100 "))
      try await client.send("abc")
      #expect(await client.response().head.hasPrefix("HTTP/1.1 201 "))
    }
  }

  @Test("a chunked upload is read as it comes")
  func chunked() async throws {
    let house = try await TestHouse()
    try await withLiveGateway(house) { client in
      try await client.send(
        "POST /v2/dev/app/blobs/uploads/?digest=\(RegistryDoorTests.digest("abcdef")) HTTP/1.1\r\nHost: localhost\r\n"
          + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
      )
      try await client.send("3\r\ndef\r\n0\r\n\r\n")
      #expect(await client.response().head.hasPrefix("HTTP/1.1 201 "))
    }
  }

  @Test("a body that breaks off adds nothing to its upload, which can go on")
  func brokenUpload() async throws {
    let house = try await TestHouse()
    let location = try #require(try await house.send(.post, "/v2/dev/app/blobs/uploads/").headers[.location])
    try await withLiveGateway(house) { client in
      try await client.send("PATCH \(location) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc")
    }
    let finished = try await house.send(
      .put,
      location + "?digest=\(RegistryDoorTests.digest("def"))",
      headers: [.contentRange: "0-2"],
      body: "def"
    )
    #expect(finished.status == 201)
  }

  @Test("a silent stream is let go of when its client leaves")
  func departure() async throws {
    let house = try await TestHouse()
    let token = try await house.token()
    let id = try await house.build("waits", token: token)
    // Ends only when the gateway has noticed: the server waits for its connections.
    try await withLiveGateway(house) { client in
      try await client.send(
        "GET /_kindling/builds/\(id)/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(token)\r\n\r\n"
      )
      #expect(await client.read(until: #""started""#).hasPrefix("HTTP/1.1 200 "))
    }
    _ = try await house.send(.post, "/v1/ignite/builds/\(id)/cancel", token: token)
  }

  @Test(
    "a request has one host",
    arguments: [
      ("GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: localhost", 400),
      ("GET /v2/ HTTP/1.1\r\nHost: localhost\r\nhost: evil.example", 400),
      ("GET http://localhost:4480/livez HTTP/1.1\r\nHost: localhost:4480", 200),
      ("GET /livez?to=http://evil.example/ HTTP/1.1\r\nHost: localhost", 200),
    ])
  func oneHost(head: String, status: Int) async throws {
    try await withLiveGateway(try await TestHouse()) { client in
      try await client.send("\(head)\r\n\r\n")
      let answer = await client.response()
      #expect(answer.head.hasPrefix("HTTP/1.1 \(status) "), "\(answer)")
    }
  }

  @Test("requests on one connection are answered in their order")
  func pipelined() async throws {
    try await withLiveGateway(try await TestHouse()) { client in
      try await client.send(
        "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\nGET /_kindling/version HTTP/1.1\r\nHost: localhost\r\n\r\n"
      )
      let both = await client.read(until: "9.9.9\"}")
      let live = try #require(both.firstRange(of: "live\n"))
      let version = try #require(both.firstRange(of: #"{"version""#))
      #expect(live.lowerBound < version.lowerBound)
    }
  }
}
