import NIOCore

/// Holds a new connection until its first bytes tell who shall have it, then hands it over and leaves.
///
/// What the connection says meanwhile (its activity, its bytes) is kept and told to the handlers that come after,
/// as if they had been there from the beginning. Closes the connection when the bytes don't come in time.
final class PrefaceHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  /// Who shall have the connection.
  enum Verdict: Equatable {
    case http2
    /// With what its first request names as host, where anybody wanted to know.
    case http1(host: String?)
  }

  private var preface = Preface()
  /// Looked for only where it decides something.
  private var firstHost: FirstHost?
  private var verdict: Verdict?
  private var held = ByteBuffer()
  private var wasActive = false
  private var deadline: Scheduled<Void>?
  private let patience: TimeAmount
  private let decided: (Verdict) -> EventLoopFuture<Void>
  private let gaveUp: () -> Void

  /// `decided` configures the pipeline for the verdict and is called at most once; `gaveUp` is called instead when the
  /// connection ends first. With `wantsHost` an HTTP/1.1 connection is held until its first request has named a host.
  init(
    patience: TimeAmount,
    wantsHost: Bool = false,
    decided: @escaping (Verdict) -> EventLoopFuture<Void>,
    gaveUp: @escaping () -> Void
  ) {
    self.patience = patience
    firstHost = wantsHost ? FirstHost() : nil
    self.decided = decided
    self.gaveUp = gaveUp
  }

  func handlerAdded(context: ChannelHandlerContext) {
    wasActive = context.channel.isActive
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    deadline = context.eventLoop.scheduleTask(in: patience) { bound.value.close(promise: nil) }
  }

  // Also how a connection ends that was closed before it became active, which is never told as inactive.
  func handlerRemoved(context: ChannelHandlerContext) {
    deadline?.cancel()
    if verdict == nil { gaveUp() }
  }

  // The handlers that must hear of it are not there yet.
  func channelActive(context: ChannelHandlerContext) { wasActive = true }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    // An undecided connection has no request to finish, so draining or the peer's end of stream ends it.
    let isEnd = event is ChannelShouldQuiesceEvent || (event as? ChannelEvent) == .inputClosed
    if isEnd, verdict == nil { context.close(promise: nil) }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if verdict == nil { context.close(promise: nil) } else { context.fireErrorCaught(error) }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = Self.unwrapInboundIn(data)
    let alreadyDecided = verdict != nil
    if !alreadyDecided { preface.read(bytes.readableBytesView) }
    held.writeBuffer(&bytes)
    guard !alreadyDecided, let verdict = decide() else { return }
    self.verdict = verdict
    deadline?.cancel()
    let bound = NIOLoopBound((context, self), eventLoop: context.eventLoop)
    decided(verdict).whenComplete { result in
      let (context, handler) = bound.value
      switch result {
      case .success: handler.handOver(context: context)
      case .failure: context.close(promise: nil)
      }
    }
  }

  private func decide() -> Verdict? {
    switch preface.verdict {
    case .undecided: return nil
    case .http2: return .http2
    case .http1: break
    }
    guard firstHost != nil else { return .http1(host: nil) }
    held.withUnsafeReadableBytes { firstHost?.look(at: $0) }
    switch firstHost?.finding {
    case .undecided: return nil
    case .host(let host): return .http1(host: host)
    case .none?, nil: return .http1(host: nil)
    }
  }

  private func handOver(context: ChannelHandlerContext) {
    if wasActive { context.fireChannelActive() }
    context.fireChannelRead(Self.wrapInboundOut(held))
    context.fireChannelReadComplete()
    held = ByteBuffer()
    context.pipeline.syncOperations.removeHandler(self, promise: nil)
  }
}
