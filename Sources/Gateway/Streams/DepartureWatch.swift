import NIOCore

/// Notices that a client left while nothing is written to it.
///
/// With half-closure allowed, as Hummingbird has it, a client that went away only closes its own direction, which is
/// reported as an event and fails no write before the next one. A client of a stream has nothing more to say, so for
/// streams that event is the departure.
final class DepartureWatch: ChannelInboundHandler, RemovableChannelHandler, Sendable {
  typealias InboundIn = Any

  private let onDeparture: @Sendable () -> Void

  init(onDeparture: @escaping @Sendable () -> Void) { self.onDeparture = onDeparture }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .some(.inputClosed) = event as? ChannelEvent { onDeparture() }
    context.fireUserInboundEventTriggered(event)
  }

  func channelInactive(context: ChannelHandlerContext) {
    onDeparture()
    context.fireChannelInactive()
  }
}
