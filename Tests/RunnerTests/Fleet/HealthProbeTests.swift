import Diagnostics
import NIOCore
import NIOPosix
import OCI
import Testing

@testable import Runner

@Suite("Asking for health") struct HealthProbeTests {
  /// Says its words to whoever asks, and closes if it is to.
  private final class Words: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let words: [String]
    private let closes: Bool
    init(_ words: [String], closes: Bool) { (self.words, self.closes) = (words, closes) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      for word in words { context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: word)), promise: nil) }
      if closes { context.close(promise: nil) }
    }
  }

  private func ask(_ words: [String], closes: Bool = true, timeout: Duration = .seconds(5)) async throws -> ProbeAnswer
  {
    let group = MultiThreadedEventLoopGroup.singleton
    let server = try await ServerBootstrap(group: group)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Words(words, closes: closes))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    let port = try #require(server.localAddress?.port.flatMap { AppPort($0) })
    let answer = await HealthProbe().ask(try Self.replica(), port: port, path: "/healthz", timeout: timeout)
    try await server.close()
    return answer
  }

  private static func replica() throws -> PlayedReplica {
    PlayedReplica(
      ReplicaPlan(
        revision: FleetStage.revision(1), imageReference: "acme/greeter:v1", lowers: [],
        config: ImageConfig(platform: .init(os: "linux", architecture: "amd64"))))
  }

  @Test(
    "a status is an answer, however it comes",
    arguments: [
      (["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"], 200), (["HTTP/1.0 404 Not Found\r\n\r\nbody"], 404),
      (["HT", "TP/1.", "1 50", "3 \r\n\r\n"], 503),
      (["HTTP/1.1 204 \r\n\r\n", String(repeating: "x", count: 200_000)], 204),
    ] as [([String], Int)])
  func status(words: [String], status: Int) async throws {
    #expect(try await ask(words) == .status(status))
    #expect(try await ask(words, closes: false, timeout: .milliseconds(200)) == .status(status))
  }

  @Test("other words are told") func garbage() async throws {
    #expect(try await ask(["SSH-2.0-OpenSSH\r\n"]) == .broken("its answer begins with \"SSH-2.0-OpenSSH..\""))
    #expect(try await ask(["HTTP/1.1 abc\r\n"]) == .broken("its answer begins with \"HTTP/1.1 abc..\""))
    #expect(try await ask(["HTTP"]) == .broken("its answer begins with \"HTTP\""))
    #expect(try await ask([]) == .broken("it closed the connection without an answer"))
  }

  @Test("who says nothing is silent") func silent() async throws {
    #expect(try await ask([], closes: false, timeout: .milliseconds(20)) == .silent)
    #expect(try await ask(["HTTP/1.1 "], closes: false, timeout: .milliseconds(20)) == .silent)
  }

  @Test("where nothing listens, the answer is there at once") func refused() async throws {
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .bind(host: "127.0.0.1", port: 0).get()
    let port = try #require(server.localAddress?.port.flatMap { AppPort($0) })
    try await server.close()
    let answer = await HealthProbe().ask(
      try Self.replica(), port: port, path: "/healthz", timeout: .seconds(5))
    #expect(answer == .refused)
  }
}
