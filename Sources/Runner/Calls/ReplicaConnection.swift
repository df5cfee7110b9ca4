import NIOCore
import NIOHTTP1
import Storage

/// One HTTP/1.1 connection to a port of a replica: carries one call after the other, and lives on one event loop.
///
/// It has no time limits of its own. A call that takes too long ends its connection; between calls the pool does.
final class ReplicaConnection: ChannelDuplexHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundIn = HTTPClientRequestPart
  typealias OutboundOut = HTTPClientRequestPart

  /// Where a connection leads.
  struct Key: Hashable {
    let replica: ReplicaID
    let port: AppPort
  }

  let key: Key
  let handle: CInt
  /// The call whose answer is awaited; nil while the connection is idle.
  var call: ReplicaCall?
  /// Whether a call has been answered on it before.
  var isUsed = false
  /// When it became idle.
  var idleSince = NIODeadline.now()

  private let pool: ReplicaConnections
  private let lines = AnswerLines()
  private var context: ChannelHandlerContext?
  private var wantsRead = false
  private var isUpgrading = false

  init(key: Key, handle: CInt, pool: ReplicaConnections) {
    self.key = key
    self.handle = handle
    self.pool = pool
  }

  var isOpen: Bool { context?.channel.isActive ?? false }
  var isWritable: Bool { context?.channel.isWritable ?? false }
  var channel: (any Channel)? { context?.channel }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  // MARK: - The request

  func write(_ part: HTTPClientRequestPart) {
    if case .head = part { lines.expect() }
    context?.write(Self.wrapOutboundOut(part), promise: nil)
  }
  func flush() { context?.flush() }
  func close() { context?.close(promise: nil) }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { call?.mayContinue() }
  }

  // MARK: - The answer

  // Reading waits for whoever takes the answer; so the app waits, and nothing is gathered here.
  func read(context: ChannelHandlerContext) {
    if call?.takesMore ?? true { context.read() } else { wantsRead = true }
  }

  func readMore() {
    guard wantsRead else { return }
    wantsRead = false
    context?.read()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard let call else { return context.close(promise: nil) }
    switch Self.unwrapInboundIn(data) {
    case .head(let head) where head.status == .switchingProtocols:
      isUpgrading = call.mayUpgrade(by: head)
    case .head(let head): call.answered(head)
    case .body(let piece): call.answered(piece)
    case .end(let trailers):
      if isUpgrading { call.upgraded(on: self) } else { call.ended(trailers, on: self) }
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) { call?.flushAnswer() }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // Before the decoder takes the closing for the end of a body that has no other end.
    let call = call
    self.call = nil
    call?.lost(by: error)
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    pool.forget(self)
    let call = call
    self.call = nil
    call?.lost(by: nil)
  }
}

extension ReplicaConnection {
  /// Makes a channel that is not yet active speak HTTP/1.1 as a client.
  static func configure(_ channel: any Channel, _ connection: ReplicaConnection) throws {
    let pipeline = channel.pipeline.syncOperations
    var framing = HTTPRequestEncoder.Configuration()
    // What is sent says itself how it is delimited.
    framing.automaticallySetFramingHeaders = false
    try pipeline.addHandler(connection.lines)
    try pipeline.addHandler(HTTPRequestEncoder(configuration: framing))
    let decoder = HTTPResponseDecoder(
      leftOverBytesStrategy: .forwardBytes, informationalResponseStrategy: .forward,
      limitConfiguration: CallLimits.decoding)
    try pipeline.addHandler(ByteToMessageHandler(decoder))
    try pipeline.addHandler(connection)
  }

  /// Takes HTTP/1.1 off the channel, after an upgrade: what comes goes to `handler` as it is, the bytes that are here
  /// already first. The future is there when bytes may be written.
  func becomeRaw(with handler: any ChannelHandler) -> EventLoopFuture<Void>? {
    guard let context else { return nil }
    let pipeline = context.pipeline.syncOperations
    do {
      let decoder = try pipeline.context(handlerType: ByteToMessageHandler<HTTPResponseDecoder>.self)
      let encoder = try pipeline.context(handlerType: HTTPRequestEncoder.self)
      try pipeline.addHandler(handler)
      pipeline.removeHandler(self, promise: nil)
      pipeline.removeHandler(context: encoder, promise: nil)
      return pipeline.removeHandler(context: decoder)
    } catch {
      context.close(promise: nil)
      return nil
    }
  }
}
