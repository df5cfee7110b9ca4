import NIOCore

/// Closes a gRPC connection when its peer has ended its side.
///
/// The listener allows half-closed connections, which HTTP/1.1 needs. HTTP/2 has no use for one, and gRPC's
/// handlers would keep it for ever.
final class EndOfStream: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if (event as? ChannelEvent) == .inputClosed { context.close(promise: nil) }
    context.fireUserInboundEventTriggered(event)
  }
}
