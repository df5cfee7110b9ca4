import API
import Diagnostics
import GRPCCore
import HTTPTypes
import HummingbirdCore
import NIOCore
import NIOPosix
import Testing

@testable import RPC

@Suite(.timeLimit(.minutes(1))) struct DoorServerTests {
  private static let get = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"

  private static func health(port: Int) async throws -> Grpc_Health_V1_HealthCheckResponse.ServingStatus {
    try await withGRPC(port: port) { client in
      try await Grpc_Health_V1_Health.Client(wrapping: client).check(Grpc_Health_V1_HealthCheckRequest()).status
    }
  }

  @Test("HTTP/1.1 and gRPC are answered on the same port")
  func bothWires() async throws {
    try await withDoor { _, port in
      let http = try await RawConnection(port: port)
      try await http.send(Self.get)
      #expect(await http.read(until: "GET /a").hasPrefix("HTTP/1.1 200 OK"))
      #expect(try await Self.health(port: port) == .serving)
    }
  }

  @Test("a connection can be used again")
  func keepAlive() async throws {
    try await withDoor { _, port in
      let http = try await RawConnection(port: port)
      for _ in 0..<3 {
        try await http.send(Self.get)
        #expect(await http.read(until: "GET /a").hasPrefix("HTTP/1.1 200 OK"))
      }
    }
  }

  @Test("a request that offers h2c is answered as HTTP/1.1, and told that the connection ends", arguments: [0, 3])
  func upgrade(bodyLength: Int) async throws {
    try await withDoor { _, port in
      let http = try await RawConnection(port: port)
      try await http.send(
        "POST /first HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
          + "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nContent-Length: \(bodyLength)\r\n\r\n"
          + String(repeating: "x", count: bodyLength)
      )
      let answer = await http.readToEnd()
      #expect(answer.hasPrefix("HTTP/1.1 200 OK"))
      #expect(answer.lowercased().contains("connection: close"))
      #expect(answer.hasSuffix("POST /first"))
    }
  }

  @Test("a client of HTTP/1.0 sees the end of the connection, or is told that it stays")
  func olderHTTP() async throws {
    try await withDoor { _, port in
      let plain = try await RawConnection(port: port)
      try await plain.send("GET /once HTTP/1.0\r\nHost: x\r\n\r\n")
      let answer = await plain.readToEnd()
      #expect(answer.hasPrefix("HTTP/1.1 200 OK"))
      #expect(answer.lowercased().contains("connection: close"))
      #expect(answer.hasSuffix("GET /once"))

      let kept = try await RawConnection(port: port)
      for path in ["/one", "/two"] {
        try await kept.send("GET \(path) HTTP/1.0\r\nHost: x\r\nConnection: Keep-Alive\r\n\r\n")
        #expect(await kept.read(until: "GET \(path)").lowercased().contains("connection: keep-alive"))
      }
    }
  }

  @Test("a client of HTTP/1.0 gets no chunks: a body of unknown length ends with the connection")
  func olderHTTPWithoutLength() async throws {
    let inPieces: HTTPChannelHandler.Responder = { _, writer, _ in
      var body = try await writer.writeHead(HTTPResponse(status: .ok))
      try await body.write(ByteBuffer(string: "some"))
      try await body.write(ByteBuffer(string: "words"))
      try await body.finish(nil)
    }
    try await withDoor(responder: inPieces) { _, port in
      let http = try await RawConnection(port: port)
      try await http.send("GET / HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n")
      let answer = await http.readToEnd()
      #expect(answer.lowercased().contains("connection: close"))
      #expect(answer.hasSuffix("\r\n\r\nsomewords"))
    }
  }

  @Test("bytes that come one by one are put together")
  func drip() async throws {
    try await withDoor { _, port in
      let http = try await RawConnection(port: port)
      for character in "PUT /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".unicodeScalars {
        try await http.send(String(character))
      }
      #expect(await http.read(until: "PUT /slow").hasPrefix("HTTP/1.1 200 OK"))
    }
  }

  @Test("half a preface and then something else is a bad HTTP/1.1 request")
  func halfPreface() async throws {
    try await withDoor { _, port in
      let raw = try await RawConnection(port: port)
      try await raw.send("PRI * HTTP/2.0\r\n")
      try await raw.send("garbage\r\n\r\n")
      #expect(await raw.readToEnd().hasPrefix("HTTP/1.1 400"))
    }
  }

  @Test("a whole preface and then garbage closes that connection only")
  func garbageFrames() async throws {
    try await withDoor { _, port in
      let raw = try await RawConnection(port: port)
      try await raw.send(String(decoding: Preface.bytes, as: UTF8.self) + String(repeating: "garbage", count: 100))
      _ = await raw.readToEnd()
      #expect(try await Self.health(port: port) == .serving)
    }
  }

  @Test("a connection that does not say what it speaks is closed in time", arguments: ["", "PRI * HT"])
  func silence(beginning: String) async throws {
    var limits = Door.Limits()
    limits.patience = .milliseconds(500)
    try await withDoor(limits: limits) { _, port in
      let raw = try await RawConnection(port: port)
      // On a busy machine the patience may be over before the first byte: then sending fails, and that is the point.
      if !beginning.isEmpty { try? await raw.send(beginning) }
      #expect(await raw.readToEnd().isEmpty)
    }
  }

  @Test("many connections that come and go leave nothing behind")
  func flood() async throws {
    try await withDoor { door, port in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<200 {
          group.addTask {
            let raw = try await RawConnection(port: port)
            switch number % 4 {
            case 0: break
            case 1: try await raw.send("PRI * HT")
            case 2: try await raw.send(String(decoding: Preface.bytes, as: UTF8.self))
            default: try await raw.send(Self.get)
            }
            try await raw.close()
          }
        }
        try await group.waitForAll()
      }
      #expect(try await Self.health(port: port) == .serving)
      while door.connectionCount > 0 { await Task.yield() }
    }
  }

  @Test("draining lets a request in progress end, and nothing new begin")
  func drain() async throws {
    let (begun, begin) = AsyncStream<Void>.makeStream()
    let (released, release) = AsyncStream<Void>.makeStream()
    let responder: HTTPChannelHandler.Responder = { request, writer, channel in
      begin.yield()
      for await _ in released { break }
      try await hello(request: request, writer: writer, channel: channel)
    }
    let port = try await withDoor(responder: responder) { door, port in
      let raw = try await RawConnection(port: port)
      let silent = try await RawConnection(port: port)
      try await raw.send(Self.get)
      for await _ in begun { break }
      door.beginShutdown()
      #expect(await silent.readToEnd().isEmpty)
      release.yield()
      #expect(await raw.readToEnd().hasSuffix("GET /a"))
      return port
    }
    await #expect(throws: (any Error).self) { _ = try await RawConnection(port: port) }
  }

  @Test("a request that does not end is cut off after the grace")
  func grace() async throws {
    var limits = Door.Limits()
    limits.grace = .milliseconds(50)
    let (begun, begin) = AsyncStream<Void>.makeStream()
    let responder: HTTPChannelHandler.Responder = { _, _, channel in
      begin.yield()
      try await channel.closeFuture.get()
    }
    try await withDoor(limits: limits, responder: responder) { door, port in
      let raw = try await RawConnection(port: port)
      try await raw.send(Self.get)
      for await _ in begun { break }
      door.beginShutdown()
      #expect(await raw.readToEnd().isEmpty)
    }
  }

  @Test("draining ends a gRPC stream that waits for news")
  func drainStream() async throws {
    try await withDoor { door, port in
      try await withGRPC(port: port) { client in
        let error = await #expect(throws: RPCError.self) {
          try await Grpc_Health_V1_Health.Client(wrapping: client).watch(Grpc_Health_V1_HealthCheckRequest()) {
            for try await message in $0.messages {
              #expect(message.status == .serving)
              door.beginShutdown()
            }
          }
        }
        #expect(error?.code == .unavailable)
      }
    }
  }

  @Test("cancelling the door closes what is open and returns")
  func cancel() async throws {
    let (ready, announce) = AsyncStream<Int>.makeStream()
    let door = DoorServer(
      addresses: [Door.Address(host: "127.0.0.1", port: 0)],
      responder: hello,
      logger: quiet,
      onReady: { announce.yield($0.first?.port ?? 0) }
    )
    let running = Task { try? await door.run() }
    for await port in ready {
      let raw = try await RawConnection(port: port)
      try await raw.send("PRI")
      while door.connectionCount == 0 { await Task.yield() }
      running.cancel()
      #expect(await raw.readToEnd().isEmpty)
      break
    }
    await running.value
  }

  @Test("all addresses listen before the door says so, each with its port")
  func addresses() async throws {
    let (ready, announce) = AsyncStream<[Door.Address]>.makeStream()
    let address = Door.Address(host: "127.0.0.1", port: 0)
    let door = DoorServer(
      addresses: [address, address],
      responder: hello,
      logger: quiet,
      onReady: { announce.yield($0) }
    )
    async let running: Void = door.run()
    for await addresses in ready {
      #expect(addresses.count == 2 && addresses[0].port != addresses[1].port)
      for address in addresses { #expect(try await Self.health(port: address.port) == .serving) }
      break
    }
    door.beginShutdown()
    try await running
  }

  @Test("a taken port is told with who has it, and nothing stays open")
  func taken() async throws {
    let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .bind(host: "127.0.0.1", port: 0).get()
    let port = listener.localAddress?.port ?? 0
    let door = DoorServer(
      addresses: [Door.Address(host: "127.0.0.1", port: 0), Door.Address(host: "127.0.0.1", port: port)],
      responder: hello,
      logger: quiet,
      onReady: { _ in Issue.record("ready") }
    )
    let failure = await #expect(throws: Failure.self) { try await door.run() }
    #expect(failure?.reason == "address-in-use" && failure?.code == .unavailable)
    #expect(failure?.message.hasPrefix("port \(port) is in use by ") == true)
    try await listener.close()
  }

  @Test("an address that this machine does not have is told", arguments: ["192.0.2.1", "no-such-host.invalid"])
  func foreignAddress(host: String) async {
    let door = DoorServer(
      addresses: [Door.Address(host: host, port: 0)],
      responder: hello,
      logger: quiet
    )
    let failure = await #expect(throws: Failure.self) { try await door.run() }
    #expect(failure?.reason == "address-unknown")
  }
}
