import API
import GRPCCore
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import RPC

@Suite struct FirstHostTests {
  @Test(
    "the host of the first request is known with its line",
    arguments: [
      ("GET / HTTP/1.1\r\nHost: a.test\r\n", FirstHost.Finding.host("a.test")),
      ("GET / HTTP/1.1\r\nAccept: */*\r\nhOsT:\t a.test:80 \r\n", .host("a.test:80")),
      ("\r\n\r\nGET / HTTP/1.1\nHost:a.test\n", .host("a.test")),
      ("GET / HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n", .host("a.test")),
      ("GET / HTTP/1.1\r\nHost:\r\n", .host("")),
      ("GET / HTTP/1.1\r\nHost: a.te", .undecided),
      ("GET / HTTP/1.1\r\n", .undecided),
      ("", .undecided),
      ("GET / HTTP/1.0\r\n\r\nHost: a.test\r\n", FirstHost.Finding.none),
      ("Host: a.test\r\nHostess: b\r\n\r\n", FirstHost.Finding.none),
      ("\u{16}\u{3}\u{1}", FirstHost.Finding.none),
      ("GET / HTTP/1.1\r\nx: \(String(repeating: "a", count: 16 << 10))", FirstHost.Finding.none),
    ])
  func findings(text: String, finding: FirstHost.Finding) {
    var whole = FirstHost()
    Array(text.utf8).withUnsafeBytes { whole.look(at: $0) }
    #expect(whole.finding == finding)
    var piecewise = FirstHost()
    let bytes = Array(text.utf8)
    bytes.withUnsafeBytes { bytes in
      for end in bytes.indices { piecewise.look(at: UnsafeRawBufferPointer(rebasing: bytes[...end])) }
    }
    #expect(piecewise.finding == finding)
  }
}

@Suite(.timeLimit(.minutes(1))) struct GuestTests {
  /// Says what it is, with the first bytes it got.
  private final class Guest: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let text = "guest: " + String(buffer: Self.unwrapInboundIn(data))
      context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    }
  }

  private func withGuests<Value: Sendable>(
    _ body: @escaping @Sendable (Int) async throws -> Value
  ) async throws -> Value {
    let guests = Door.Guests {
      $0.hasSuffix(".apps")
    } serve: { channel in
      channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Guest()) }
    }
    return try await withDoor(guests: guests) { _, port in try await body(port) }
  }

  @Test("a connection goes to its guest from its first byte on, however its head comes in")
  func guest() async throws {
    try await withGuests { port in
      try await onThread { () throws in
        let peer = try Peer(port: port)
        for character in "GET / HTTP/1.1\r\nHost: a.apps\r\n" { try peer.write(String(character)) }
        #expect(try peer.read(until: "apps\r\n") == "guest: GET / HTTP/1.1\r\nHost: a.apps\r\n")
        try peer.write("more")
        #expect(try peer.read(until: "more") == "guest: more")
      }
    }
  }

  @Test(
    "everything else is the responder's, as if there were no guests",
    arguments: [
      ("GET /a HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK"), ("GET /a HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK"),
      ("\u{16}\u{3}\u{1}\u{2}", "HTTP/1.1 400"),
      ("GET /a HTTP/1.1\r\nx: \(String(repeating: "a", count: 17 << 10))\r\nHost: a.apps\r\n\r\n", "HTTP/1.1 200 OK"),
    ])
  func others(request: String, answer: String) async throws {
    try await withGuests { port in
      try await onThread { () throws in
        let peer = try Peer(port: port)
        try peer.write(request)
        #expect(try peer.read(until: "\r\n\r\n").hasPrefix(answer))
      }
    }
  }

  @Test("gRPC is answered as before")
  func grpc() async throws {
    try await withGuests { port in
      try await withGRPC(port: port) { client in
        let status = try await Grpc_Health_V1_Health.Client(wrapping: client)
          .check(Grpc_Health_V1_HealthCheckRequest()).status
        #expect(status == .serving)
      }
    }
  }

  @Test("draining waits for a guest's connection until the guest closes it")
  func drain() async throws {
    let guests = Door.Guests {
      $0.hasSuffix(".apps")
    } serve: { channel in
      channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Guest()) }
    }
    try await withDoor(guests: guests) { door, port in
      let peer = try await RawConnection(port: port)
      try await peer.send("GET / HTTP/1.1\r\nHost: a.apps\r\n")
      _ = await peer.read(until: "apps\r\n")
      door.beginShutdown()
      // Nobody is taken any more, and still this one is served.
      while (try? await RawConnection(port: port)) != nil { await Task.yield() }
      try await peer.send("late")
      #expect(await peer.read(until: "late") == "guest: late")
      try await peer.close()
    }
  }

  @Test("a connection that names no host is closed in time")
  func patience() async throws {
    var limits = Door.Limits()
    limits.patience = .milliseconds(500)
    let guests = Door.Guests(own: { _ in true }, serve: { $0.eventLoop.makeSucceededVoidFuture() })
    try await withDoor(limits: limits, guests: guests) { _, port in
      try await onThread { () throws in
        let peer = try Peer(port: port)
        try peer.write("GET / HTTP/1.1\r\n")
        #expect(try peer.readToEnd() == "")
      }
    }
  }
}
