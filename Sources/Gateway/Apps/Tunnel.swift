import NIOCore
import NIOHTTP1
import Runner

/// Bytes both ways between a client and an app, after an upgrade, until one side ends or the call's time is over.
final class Tunnel {
  private let client: any Channel
  private let app: any Channel
  private let clientEnd = TunnelEnd()
  private let appEnd = TunnelEnd()
  private var deadline: Scheduled<Void>?

  init(client: any Channel, app: any Channel, until due: NIODeadline) {
    self.client = client
    self.app = app
    let channels = (client, app)
    let task = client.eventLoop.scheduleTask(deadline: due) {
      channels.0.close(promise: nil)
      channels.1.close(promise: nil)
    }
    client.closeFuture.whenComplete { _ in task.cancel() }
  }

  /// Takes both connections over; bytes that are there already come first.
  func begin(_ raw: RawReplicaConnection, leaving connection: AppConnection) {
    // Decoders hand on what they hold when they leave, which is not at once.
    guard let appIsRaw = raw.attach(appEnd), let clientIsRaw = takeOver(connection) else {
      client.close(promise: nil)
      return raw.close()
    }
    appIsRaw.and(clientIsRaw).assumeIsolated().whenComplete { [self] result in
      guard case .success = result else {
        client.close(promise: nil)
        return raw.close()
      }
      // A side that ends may still be answered.
      try? app.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
      clientEnd.meet(appEnd)
      appEnd.meet(clientEnd)
    }
  }

  private func takeOver(_ connection: AppConnection) -> EventLoopFuture<Void>? {
    let pipeline = client.pipeline.syncOperations
    do {
      let decoder = try pipeline.context(handlerType: ByteToMessageHandler<HTTPRequestDecoder>.self)
      let encoder = try pipeline.context(handlerType: HTTPResponseEncoder.self)
      try pipeline.addHandler(clientEnd)
      pipeline.removeHandler(connection, promise: nil)
      pipeline.removeHandler(context: encoder, promise: nil)
      return pipeline.removeHandler(context: decoder)
    } catch { return nil }
  }
}

/// One end of a tunnel. Holds what comes until the other end is there, and reads no more than that one can write.
private final class TunnelEnd: ChannelInboundHandler, ChannelOutboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private var context: ChannelHandlerContext?
  private var other: TunnelEnd?
  private var held: [ByteBuffer] = []
  private var wantsRead = false
  private var hasEnded = false

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    other = nil
  }

  /// From now on what comes goes there.
  func meet(_ other: TunnelEnd) {
    self.other = other
    for piece in held { other.write(piece) }
    held = []
    other.context?.flush()
    if hasEnded { other.end() }
    if context?.channel.isActive != true { other.context?.close(promise: nil) }
    readMore()
  }

  private func write(_ piece: ByteBuffer) { context?.write(Self.wrapOutboundOut(piece), promise: nil) }

  /// Ends this direction after what is still being written; closing at once would drop it where the peer has ended too.
  private func end() {
    guard let context else { return }
    let channel = context.channel
    context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer())).whenComplete { _ in
      channel.close(mode: .output, promise: nil)
    }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let piece = Self.unwrapInboundIn(data)
    if let other { other.write(piece) } else { held.append(piece) }
  }

  func channelReadComplete(context: ChannelHandlerContext) { other?.context?.flush() }

  func read(context: ChannelHandlerContext) {
    if other?.context?.channel.isWritable ?? false { context.read() } else { wantsRead = true }
  }

  private func readMore() {
    guard wantsRead else { return }
    wantsRead = false
    context?.read()
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { other?.readMore() }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case ChannelEvent.inputClosed:
      hasEnded = true
      other?.end()
    case is ChannelShouldQuiesceEvent:
      // Nobody can say when an upgraded connection is through.
      context.close(promise: nil)
    default: break
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  func channelInactive(context: ChannelHandlerContext) {
    // After what is still being written to it.
    other?.context?.flush()
    other?.context?.close(promise: nil)
    other = nil
  }
}
