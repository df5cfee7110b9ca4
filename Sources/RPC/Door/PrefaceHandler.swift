import NIOCore

/// Holds a new connection until its first bytes tell who shall have it, then hands it over and leaves.
///
/// What the connection says meanwhile (its activity, its bytes) is kept and told to the handlers that come after,
/// as if they had been there from the beginning. Closes the connection when the bytes don't come in time.
final class PrefaceHandler: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private var preface = Preface()
  private var held = ByteBuffer()
  private var wasActive = false
  private var deadline: Scheduled<Void>?
  private let patience: TimeAmount
  private let decided: (Preface.Verdict) -> EventLoopFuture<Void>
  private let gaveUp: () -> Void

  /// `decided` configures the pipeline for the verdict and is called at most once; `gaveUp` is called instead when the
  /// connection ends first.
  init(
    patience: TimeAmount,
    decided: @escaping (Preface.Verdict) -> EventLoopFuture<Void>,
    gaveUp: @escaping () -> Void
  ) {
    self.patience = patience
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
    if preface.verdict == .undecided { gaveUp() }
  }

  // The handlers that must hear of it are not there yet.
  func channelActive(context: ChannelHandlerContext) { wasActive = true }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    // An undecided connection has no request to finish, so draining or the peer's end of stream ends it.
    let isEnd = event is ChannelShouldQuiesceEvent || (event as? ChannelEvent) == .inputClosed
    if isEnd, preface.verdict == .undecided { context.close(promise: nil) }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if preface.verdict == .undecided { context.close(promise: nil) } else { context.fireErrorCaught(error) }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = Self.unwrapInboundIn(data)
    let alreadyDecided = preface.verdict != .undecided
    preface.read(bytes.readableBytesView)
    held.writeBuffer(&bytes)
    guard !alreadyDecided, preface.verdict != .undecided else { return }
    deadline?.cancel()
    let bound = NIOLoopBound((context, self), eventLoop: context.eventLoop)
    decided(preface.verdict).whenComplete { result in
      let (context, handler) = bound.value
      switch result {
      case .success: handler.handOver(context: context)
      case .failure: context.close(promise: nil)
      }
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
