import NIOCore
import NIOHTTP1

/// Answers clients that speak HTTP/1.0, such as ab, nginx as a proxy and old scripts, the way they can read.
///
/// RFC 9112 §9.3: their connection ends with the answer unless they ask to keep it, and then only when the answer says so
/// too; a chunked body means nothing to them. HTTP types know no version, so that it is lost behind the decoder.
final class OlderHTTP: ChannelDuplexHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias InboundOut = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  private enum Client {
    case current
    case older(method: HTTPMethod, keepsConnection: Bool)
  }

  private var client = Client.current
  private var endsWithAnswer = false

  /// Adds the handler behind the decoder of a pipeline that speaks HTTP/1.1.
  static func add(to channel: any Channel) throws {
    let operations = channel.pipeline.syncOperations
    let decoder = try operations.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
    try operations.addHandler(OlderHTTP(), position: .after(decoder))
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard case .head(var head) = Self.unwrapInboundIn(data), (head.version.major, head.version.minor) < (1, 1) else {
      context.fireChannelRead(data)
      return
    }
    client = .older(method: head.method, keepsConnection: head.isKeepAlive)
    // The responder's loop knows no other word for an end.
    if !head.isKeepAlive { head.headers.replaceOrAdd(name: "connection", value: "close") }
    context.fireChannelRead(Self.wrapInboundOut(.head(head)))
  }

  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard case .older(let method, let keepsConnection) = client else {
      context.write(data, promise: promise)
      return
    }
    switch Self.unwrapOutboundIn(data) {
    case .head(var head) where head.status.code >= 200:
      // Without a length the end of the connection is the end of the body.
      let isBounded =
        method == .HEAD || head.headers.contains(name: "content-length") || [204, 304].contains(head.status.code)
      endsWithAnswer = !keepsConnection || !isBounded
      // To the encoder the version says whether a body may be chunked.
      if !isBounded { head.version = .http1_0 }
      head.headers.remove(name: "transfer-encoding")
      head.headers.replaceOrAdd(name: "connection", value: endsWithAnswer ? "close" : "keep-alive")
      context.write(Self.wrapOutboundOut(.head(head)), promise: promise)
    case .head:
      // RFC 9110 §15.2: such a client gets no interim answers.
      promise?.succeed()
    case .end where endsWithAnswer:
      let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
      let sent = promise ?? context.eventLoop.makePromise()
      sent.futureResult.whenComplete { _ in bound.value.close(promise: nil) }
      context.write(data, promise: sent)
    default:
      context.write(data, promise: promise)
    }
  }
}
