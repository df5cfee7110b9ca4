import GRPCCore
import GRPCNIOTransportHTTP2
import NIOCore
import NIOPosix
import Synchronization
import SystemPackage

/// gRPC's listener without a port of its own: connections are handed in by whoever accepted them.
///
/// gRPC asks its factory for a listening channel and reads configured connections from it. Ours is a pipe nobody
/// writes to: only a pipeline that can be quiesced and closed as a listener is, and a place to put connections.
final class GRPCIntake: HTTP2ServerTransport.ListenerFactory {
  typealias Connection = HTTP2ServerTransport.ConnectionConfigurator.ConnectionChannel

  let eventLoopGroup: any EventLoopGroup

  private enum State {
    case waiting([CheckedContinuation<Bool, Never>])
    case open(Opening)
    case closed
  }

  private struct Opening: Sendable {
    var configurator: HTTP2ServerTransport.ConnectionConfigurator
    var channel: any Channel
    var injector: NIOLoopBound<Injector>
  }

  private let state = Mutex(State.waiting([]))

  init(eventLoopGroup: any EventLoopGroup) { self.eventLoopGroup = eventLoopGroup }

  func makeListeningChannel(
    listenerConfigurator: HTTP2ServerTransport.ListenerConfigurator,
    connectionConfigurator: HTTP2ServerTransport.ConnectionConfigurator
  ) async throws -> NIOAsyncChannel<Connection, Never> {
    let ends = try FileDescriptor.pipe()
    let listener = try await NIOPipeBootstrap(group: eventLoopGroup)
      .takingOwnershipOfDescriptors(input: ends.readEnd.rawValue, output: ends.writeEnd.rawValue) { channel in
        listenerConfigurator.configure(channel: channel).flatMapThrowing {
          let operations = channel.pipeline.syncOperations
          let injector = Injector()
          // Below the quiescing handler, which would take the connections for sockets it has to close.
          try operations.addHandler(injector)
          let listener = try NIOAsyncChannel<Connection, Never>(
            wrappingChannelSynchronously: channel,
            configuration: .init(inboundType: Connection.self, outboundType: Never.self)
          )
          let opening = Opening(
            configurator: connectionConfigurator,
            channel: channel,
            injector: NIOLoopBound(injector, eventLoop: channel.eventLoop)
          )
          return (listener, opening)
        }
      }
    change(to: .open(listener.1))
    listener.1.channel.closeFuture.whenComplete { [weak self] _ in self?.change(to: .closed) }
    return listener.0
  }

  /// Waits until gRPC takes connections; false when it never will again.
  func opened() async -> Bool {
    await withCheckedContinuation { continuation in
      let answer: Bool? = state.withLock { state in
        switch state {
        case .waiting(let others):
          state = .waiting(others + [continuation])
          return nil
        case .open: return true
        case .closed: return false
        }
      }
      if let answer { continuation.resume(returning: answer) }
    }
  }

  /// Stops waiting for gRPC, which has ended before it began.
  func abandon() { change(to: .closed) }

  /// Makes an accepted connection speak gRPC; fails once gRPC takes none any more.
  func configure(_ channel: any Channel) -> EventLoopFuture<Connection> {
    guard let opening else { return channel.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel) }
    return opening.configurator.configure(channel: channel, tls: .none)
  }

  /// Hands a configured connection to gRPC, or closes it when gRPC takes none any more.
  func accept(_ connection: Connection, on channel: any Channel) {
    guard let opening else {
      channel.close(promise: nil)
      return
    }
    opening.channel.eventLoop.execute {
      if !opening.injector.value.inject(connection) { channel.close(promise: nil) }
    }
  }

  private var opening: Opening? {
    state.withLock { state in
      guard case .open(let opening) = state else { return nil }
      return opening
    }
  }

  private func change(to new: State) {
    let waiters = state.withLock { state in
      var waiters: [CheckedContinuation<Bool, Never>] = []
      if case .waiting(let continuations) = state { waiters = continuations }
      state = new
      return waiters
    }
    let isOpen = if case .open = new { true } else { false }
    for waiter in waiters { waiter.resume(returning: isOpen) }
  }
}

/// The place in the listener's pipeline where connections enter.
private final class Injector: ChannelInboundHandler {
  typealias InboundIn = Never
  typealias InboundOut = GRPCIntake.Connection

  private var context: ChannelHandlerContext?

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }
  // Nothing is ever written to the pipe; whatever is read from it is not a connection.
  func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

  /// False when the listener has closed.
  func inject(_ connection: GRPCIntake.Connection) -> Bool {
    guard let context else { return false }
    context.fireChannelRead(Self.wrapInboundOut(connection))
    context.fireChannelReadComplete()
    return true
  }
}
