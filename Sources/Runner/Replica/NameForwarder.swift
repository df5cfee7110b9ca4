import Glibc
import NIOCore
import NIOPosix
import Sandbox
import SystemPackage

/// Answers a replica's questions for names on its own 127.0.0.1:53 by asking whom this machine asks.
enum NameForwarder {
  /// Serves until the replica's network is gone; false when it can't.
  static func serve(_ resident: Resident, _ resolver: HostResolver, _ group: any EventLoopGroup) async -> Bool {
    guard let datagrams = try? resident.boundSocket(isStream: false, port: 53) else { return false }
    let udp = try? await DatagramBootstrap(group: group).channelInitializer { channel in
      channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.addHandler(QuestionForwarder(resolver: resolver))
      }
    }.withBoundSocket(datagrams.rawValue).get()
    guard let udp else { return false }
    resident.onEnd { udp.close(promise: nil) }
    guard let streams = try? resident.boundSocket(isStream: true, port: 53) else { return true }
    // Long answers come over TCP.
    let tcp = try? await ServerBootstrap(group: group).childChannelOption(.autoRead, value: false)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelInitializer { channel in
        guard let server = resolver.servers.first else { return channel.close() }
        return OutboundRelay.relay(channel, to: server)
      }.withBoundSocket(streams.rawValue).get()
    resident.onEnd { tcp?.close(promise: nil) }
    return true
  }
}

/// Passes each question on from a socket of its own, and the first answer back.
private final class QuestionForwarder: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  typealias OutboundOut = AddressedEnvelope<ByteBuffer>

  /// A replica that asks more at once gets no answers to the rest.
  private static let maximumUnderWay = 256
  private let resolver: HostResolver
  private var underWay = 0

  init(resolver: HostResolver) { self.resolver = resolver }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let question = unwrapInboundIn(data)
    guard underWay < Self.maximumUnderWay, let server = resolver.servers.first else { return }
    underWay += 1
    let channel = context.channel
    let any = server.protocol == .inet6 ? "::" : "0.0.0.0"
    let asked = DatagramBootstrap(group: context.eventLoop).channelInitializer { outer in
      outer.eventLoop.makeCompletedFuture {
        try outer.pipeline.syncOperations.addHandler(AnswerTaker(asker: question.remoteAddress, inner: channel))
      }
    }.bind(host: any, port: 0)
    let servers = resolver.servers.filter { $0.protocol == server.protocol }
    let forwarder = NIOLoopBound(self, eventLoop: context.eventLoop)
    asked.whenComplete { result in
      guard case .success(let outer) = result else { return forwarder.value.underWay -= 1 }
      for server in servers {
        outer.writeAndFlush(AddressedEnvelope(remoteAddress: server, data: question.data), promise: nil)
      }
      // As long as C libraries wait.
      let timer = outer.eventLoop.scheduleTask(in: .seconds(5)) { outer.close(promise: nil) }
      outer.closeFuture.whenComplete { _ in
        timer.cancel()
        forwarder.value.underWay -= 1
      }
    }
  }
}

private final class AnswerTaker: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  private let asker: SocketAddress
  private let inner: any Channel

  init(asker: SocketAddress, inner: any Channel) {
    self.asker = asker
    self.inner = inner
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    inner.writeAndFlush(AddressedEnvelope(remoteAddress: asker, data: unwrapInboundIn(data).data), promise: nil)
    context.close(promise: nil)
  }
}
