import NIOCore
import NIOHTTP1

/// Answers a request that offers an upgrade as a plain HTTP/1.1 one, and the connection ends with the answer.
///
/// NIO's decoder reads nothing after a request with an `Upgrade` header, so the next request on that connection would
/// wait for ever; curl and Java's client offer `h2c` with the first request they make. The request is
/// passed on without the offer and with `Connection: close`, which the responder's loop obeys.
final class UpgradeRefusal: ChannelDuplexHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  private var isLast = false

  /// Adds the handler behind the decoder of a pipeline that speaks HTTP/1.1.
  static func add(to channel: any Channel) throws {
    let operations = channel.pipeline.syncOperations
    let decoder = try operations.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
    try operations.addHandler(UpgradeRefusal(), position: .after(decoder))
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard case .head(var head) = Self.unwrapInboundIn(data), head.headers.contains(name: "upgrade") else {
      context.fireChannelRead(data)
      return
    }
    isLast = true
    head.headers.remove(name: "upgrade")
    head.headers.replaceOrAdd(name: "connection", value: "close")
    context.fireChannelRead(Self.wrapInboundOut(.head(head)))
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard isLast, case .head(var head) = Self.unwrapOutboundIn(data) else {
      context.write(data, promise: promise)
      return
    }
    head.headers.replaceOrAdd(name: "connection", value: "close")
    context.write(Self.wrapOutboundOut(.head(head)), promise: promise)
  }
}
