import Diagnostics
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// A server on loopback that answers as the test says and remembers what it was asked.
final class ScriptedServer: Sendable {
  struct Asked: Sendable {
    var method: String
    var target: String
    var headers: HTTPHeaders
    var bodyLength: Int
  }

  enum Reply: Sendable {
    case answer(status: Int, headers: [(String, String)] = [], body: [UInt8] = [])
    /// Pieces of one buffer, chunked, as many as asked, as fast as the client takes them.
    case flood(piece: ByteBuffer, count: Int)
    /// The head and the first bytes, and then nothing.
    case stall(announcing: Int)
    case silence
    /// Status 404 and a body of a thousand bytes, one of them every tenth of a second.
    case drip
    case hangUp
    /// The head and the first bytes, and then the end of the connection.
    case cut(announcing: Int)

    static func redirect(_ location: String, _ status: Int = 302) -> Reply {
      .answer(status: status, headers: [("Location", location)])
    }
  }

  let port: Int
  private let channel: any Channel
  private let state: State

  final class State: Sendable {
    let asked = Mutex<[Asked]>([])
    let closed = Mutex<Int>(0)
    let waiters = Mutex<[CheckedContinuation<Void, Never>]>([])
    let reply: @Sendable (Asked) -> Reply
    init(reply: @escaping @Sendable (Asked) -> Reply) { self.reply = reply }

    func connectionClosed() {
      closed.withLock { $0 += 1 }
      for waiter in waiters.withLock({ list in
        defer { list = [] }; return list
      }) { waiter.resume() }
    }
  }

  init(tls: NIOSSLContext? = nil, _ reply: @escaping @Sendable (Asked) -> Reply) async throws {
    let state = State(reply: reply)
    self.state = state
    channel = try await ServerBootstrap(group: NIOSingletons.posixEventLoopGroup)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let handlers = channel.pipeline.syncOperations
          if let tls { try handlers.addHandler(NIOSSLServerHandler(context: tls)) }
          try handlers.configureHTTPServerPipeline()
          try handlers.addHandler(Exchange(state: state))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
    port = channel.localAddress?.port ?? 0
  }

  var asked: [Asked] { state.asked.withLock { $0 } }
  var base: String { "http://127.0.0.1:\(port)" }

  /// Returns when a connection has ended, at once if one already has.
  func connectionClosed() async {
    await withCheckedContinuation { continuation in
      let done = state.closed.withLock { count in
        if count > 0 { return true }
        state.waiters.withLock { $0.append(continuation) }
        return false
      }
      if done { continuation.resume() }
    }
  }

  func stop() async { try? await channel.close() }
}

/// Runs `body` with a server and a client that are gone afterwards.
func withServer<Value>(
  tls: NIOSSLContext? = nil, _ reply: @escaping @Sendable (ScriptedServer.Asked) -> ScriptedServer.Reply,
  _ body: (ScriptedServer) async throws -> Value
) async throws -> Value {
  let server = try await ScriptedServer(tls: tls, reply)
  do {
    let value = try await body(server)
    await server.stop()
    return value
  } catch {
    await server.stop()
    throw error
  }
}

private final class Exchange: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart
  private let state: ScriptedServer.State
  private var head: HTTPRequestHead?
  private var length = 0
  private var owed: (piece: ByteBuffer, count: Int)?

  init(state: ScriptedServer.State) { self.state = state }

  func channelInactive(context: ChannelHandlerContext) { state.connectionClosed() }
  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      self.head = head
      length = 0
    case .body(let part): length += part.readableBytes
    case .end:
      guard let head else { return }
      let asked = ScriptedServer.Asked(
        method: head.method.rawValue, target: head.uri, headers: head.headers, bodyLength: length)
      state.asked.withLock { $0.append(asked) }
      answer(state.reply(asked), to: head, context)
    }
  }

  private func answer(_ reply: ScriptedServer.Reply, to head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    switch reply {
    case .hangUp: context.close(promise: nil)
    case .silence: break
    case .drip:
      write(404, ["Content-Length": "1000"], context)
      context.flush()
      let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
      context.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(100)) { task in
        let context = bound.value
        guard context.channel.isActive else { return task.cancel() }
        let part = HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: "x")))
        context.writeAndFlush(NIOAny(part), promise: nil)
      }
    case .cut(let length):
      write(200, ["Content-Length": "\(length)"], context)
      let part = HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: "first")))
      let closing = NIOLoopBound(context, eventLoop: context.eventLoop)
      context.writeAndFlush(wrapOutboundOut(part)).whenComplete { _ in closing.value.close(promise: nil) }
    case .answer(let status, let headers, let body):
      var fields = HTTPHeaders(headers)
      if !fields.contains(name: "content-length") { fields.add(name: "Content-Length", value: "\(body.count)") }
      write(status, fields, context)
      if head.method != .HEAD, !body.isEmpty {
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
      }
      context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    case .stall(let length):
      write(200, ["Content-Length": "\(length)"], context)
      context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: "first")))), promise: nil)
    case .flood(let piece, let count):
      write(200, ["Transfer-Encoding": "chunked"], context)
      owed = (piece, count)
      pour(context)
    }
  }

  private func write(_ status: Int, _ headers: HTTPHeaders, _ context: ChannelHandlerContext) {
    let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: headers)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) { pour(context) }

  private func pour(_ context: ChannelHandlerContext) {
    while var owed = self.owed, context.channel.isWritable {
      owed.count -= 1
      self.owed = owed.count > 0 ? owed : nil
      context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(owed.piece))), promise: nil)
      if self.owed == nil { context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil) }
    }
  }
}
