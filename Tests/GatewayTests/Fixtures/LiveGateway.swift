import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix

@testable import Gateway

/// Runs `body` with the house's gateway on a free port of this machine, over Hummingbird's own HTTP/1.1 channel.
func withLiveGateway<Value: Sendable>(
  _ house: TestHouse,
  idle: TimeAmount = .seconds(120),
  _ body: @escaping @Sendable (RawClient) async throws -> Value
) async throws -> Value {
  let (ports, announce) = AsyncStream.makeStream(of: Int.self)
  let server = Server(
    childChannelSetup: HTTP1Channel(responder: house.gateway.responder, configuration: .init(idleTimeout: idle)),
    configuration: .init(address: .hostname("127.0.0.1", port: 0)),
    onServerRunning: { channel in announce.yield(channel.localAddress?.port ?? 0) },
    eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
    logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
  )
  return try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask {
      defer { announce.finish() }
      try await server.run()
    }
    var port = 0
    for await known in ports {
      port = known
      break
    }
    let client = try await RawClient(port: port)
    let value = try await body(client)
    try await client.close()
    try await server.shutdownGracefully()
    group.cancelAll()
    return value
  }
}

/// Bytes on a TCP connection: what a client's library would hide is what is tested here.
final class RawClient: Sendable {
  private final class Reader: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    let pieces: AsyncStream<ByteBuffer>
    private let feed: AsyncStream<ByteBuffer>.Continuation
    init() { (pieces, feed) = AsyncStream.makeStream(of: ByteBuffer.self) }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) { feed.yield(Self.unwrapInboundIn(data)) }
    func channelInactive(context: ChannelHandlerContext) { feed.finish() }
  }

  private let channel: any Channel
  private let reader = Reader()

  init(port: Int) async throws {
    channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelInitializer { [reader] in $0.pipeline.addHandler(reader) }
      .connect(host: "127.0.0.1", port: port).get()
  }

  func send(_ text: String) async throws { try await channel.writeAndFlush(ByteBuffer(string: text)) }

  func close() async throws { try? await channel.close() }

  /// Reads one head up to its empty line, and then as many bytes as it announces.
  func response() async -> (head: String, body: String) {
    var text = ""
    for await piece in reader.pieces {
      text += String(buffer: piece)
      guard let end = text.firstRange(of: "\r\n\r\n") else { continue }
      let head = String(text[..<end.lowerBound])
      let length = head.lowercased().split(separator: "\r\n").first { $0.hasPrefix("content-length: ") }
        .flatMap { Int($0.dropFirst(16)) }
      if text[end.upperBound...].utf8.count >= length ?? 0 { return (head, String(text[end.upperBound...])) }
    }
    return (text, "")
  }

  /// Reads until `end` has come.
  func read(until end: String) async -> String {
    var text = ""
    for await piece in reader.pieces {
      text += String(buffer: piece)
      if text.contains(end) { break }
    }
    return text
  }
}
