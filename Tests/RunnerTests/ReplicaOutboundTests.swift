import Diagnostics
import Foundation
import NIOCore
import NIOPosix
import Storage
import Testing

@testable import Runner

@Suite(.enabled(if: ReplicaBench.isAble), .timeLimit(.minutes(1)))
struct ReplicaOutboundTests {
  /// An address of this machine that is not loopback's.
  private static let ownAddress: String? = {
    let devices = (try? System.enumerateDevices()) ?? []
    return devices.compactMap(\.address).first { $0.protocol == .inet && $0.ipAddress?.hasPrefix("127.") == false }?
      .ipAddress
  }()

  private static func server(on host: String, _ answer: String = "hello") async throws -> any Channel {
    try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).childChannelInitializer { channel in
      channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.addHandler(FirstWord(answer: answer))
      }
    }.bind(host: host, port: 0).get()
  }

  @Test(.enabled(if: ownAddress != nil)) func connectionsLeaveThroughTheMachinesNetwork() async throws {
    let host = try #require(Self.ownAddress)
    let server = try await Self.server(on: host)
    let port = try #require(server.localAddress?.port)
    let bench = try await ReplicaBench()
    try await bench.with(bench.plan(outbound: .everywhere)) { replica in
      #expect(try await replica.get("/connect?host=\(host)&port=\(port)").body == "connected")
      let some = try await replica.get("/exchange?host=\(host)&port=\(port)")
      #expect(some == AppReply(status: 200, body: "hello"))
      let later = try await replica.get("/exchange?host=\(host)&port=\(port)&waits=0")
      #expect(later == AppReply(status: 200, body: "hello"))
    }
    try await server.close()
    let target = "/connect?host=\(host)&port=\(port)"
    let refused = try await bench.with(bench.plan(outbound: .everywhere)) { try await $0.get(target) }
    #expect(refused.body == "Connection refused")
    let alone = try await bench.with(bench.plan(outbound: .nowhere)) { try await $0.get(target) }
    #expect(alone.body == "Network is unreachable")
  }

  /// An app decides about its sockets' options; with this one the connection inside never comes about.
  @Test(.enabled(if: ownAddress != nil)) func aSocketThatRefusesItsOwnConnectionTimesOutAlone() async throws {
    let host = try #require(Self.ownAddress)
    let server = try await Self.server(on: host)
    let port = try #require(server.localAddress?.port)
    let bench = try await ReplicaBench()
    try await bench.with(bench.plan(outbound: .everywhere)) { hostile in
      async let stuck = hostile.get("/connect?host=\(host)&port=\(port)&minttl=1")
      try await bench.with(bench.plan(outbound: .everywhere)) { other in
        let reply = try await other.get("/connect?host=\(host)&port=\(port)")
        #expect(reply.body == "connected")
      }
      #expect(try await stuck.body == "Connection timed out")
      #expect(try await hostile.get("/connect?host=\(host)&port=\(port)").body == "connected")
    }
    try await server.close()
  }

  @Test func placesAreBoundedAndComeBack() {
    let places = OutboundPlaces(limit: 2)
    var taken = [places.take(), places.take()]
    #expect(taken.allSatisfy { $0 != nil })
    #expect(places.take() == nil)
    taken.removeLast()
    #expect(places.take() != nil)
  }

  @Test func theMachinesLoopbackIsOutOfReach() async throws {
    let server = try await Self.server(on: "127.0.0.1")
    let port = try #require(server.localAddress?.port)
    let bench = try await ReplicaBench()
    let replies = try await bench.with(bench.plan(outbound: .everywhere)) { replica in
      var replies: [String] = []
      for host in ["127.0.0.1", "127.1.2.3", "0.0.0.0"] {
        replies.append(try await replica.get("/connect?host=\(host)&port=\(port)").body)
      }
      return replies + [try await replica.get("/connect?host=127.0.0.1&port=80").body]
    }
    #expect(replies == ["Connection refused", "Connection refused", "Connection refused", "connected"])
    try await server.close()
  }

  @Test func aHundredConnectionsAtOnceArriveWhole() async throws {
    let host = try #require(Self.ownAddress)
    let server = try await Self.server(on: host, String(repeating: "x", count: 20_000))
    let port = try #require(server.localAddress?.port)
    let bench = try await ReplicaBench()
    try await bench.with(bench.plan(outbound: .everywhere)) { replica in
      try await withThrowingTaskGroup(of: Int.self) { group in
        for number in 0..<100 {
          group.addTask {
            try await replica.get("/exchange?host=\(host)&port=\(port)&waits=\(number % 2)").body.utf8.count
          }
        }
        for try await count in group { #expect(count == 20_000) }
      }
    }
    try await server.close()
  }

  @Test func questionsForNamesAreAnswered() async throws {
    let server = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton).channelInitializer {
      channel in
      channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Echo()) }
    }.bind(host: "127.0.0.1", port: 0).get()
    let address = try #require(server.localAddress)
    let bench = try await ReplicaBench()
    var replicas = bench.replicas
    replicas.resolver = HostResolver(servers: [address])
    let replica = try await replicas.start(bench.plan(outbound: .everywhere))
    try await replica.waits(for: "listening on")
    #expect(try await replica.get("/ask?words=who") == AppReply(status: 200, body: "who"))
    #expect(try await replica.get("/file?path=/etc/resolv.conf").body == "nameserver 127.0.0.1\n")
    await replica.stop(grace: .zero)
    try await server.close()
  }

  @Test func namesAreAskedForWhereTheMachineAsks() throws {
    let resolver = HostResolver("# c\nnameserver 192.0.2.53\nnameserver fe80::1\nsearch a.example b\noptions ndots:1\n")
    #expect(resolver.servers.map(\.ipAddress) == ["192.0.2.53", "fe80::1"])
    #expect(resolver.replicaText == "nameserver 127.0.0.1\nsearch a.example b\noptions ndots:1\n")
    #expect(HostResolver("").servers.map(\.ipAddress) == ["127.0.0.1"])
  }
}

private final class Echo: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    context.channel.writeAndFlush(unwrapInboundIn(data), promise: nil)
  }
}

/// Speaks first, and says no more.
private final class FirstWord: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  private let answer: String
  init(answer: String) { self.answer = answer }

  func channelActive(context: ChannelHandlerContext) {
    let channel = context.channel
    channel.writeAndFlush(ByteBuffer(string: answer)).whenComplete { _ in channel.close(promise: nil) }
  }
}
