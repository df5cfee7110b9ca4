import HummingbirdCore
import Logging
import NIOCore

/// One accepted connection of the shared port: HTTP/1.1 to the responder, HTTP/2 to gRPC.
struct DoorChannel: ServerChildChannel {
  enum Conversation: Sendable {
    case http1(HTTP1Channel.Value)
    case grpc(GRPCIntake.Connection)
    /// Somebody else's, who is at it already.
    case guest
  }

  struct Value: ServerChildChannelValue {
    let channel: any Channel
    /// Fails when the connection ends before it said what it speaks.
    let conversation: EventLoopFuture<Conversation>
  }

  let http1: HTTP1Channel
  let intake: GRPCIntake
  let connections: OpenConnections
  let guests: Door.Guests?
  /// How long a connection may take to say what it speaks.
  let patience: TimeAmount

  // TLS, when it comes, is one handler in front of the sniffer: the decrypted bytes begin with the preface
  // exactly when the client chose h2.
  func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
    channel.eventLoop.makeCompletedFuture {
      let promise = channel.eventLoop.makePromise(of: Conversation.self)
      let handler = PrefaceHandler(patience: patience, wantsHost: guests != nil) { verdict in
        let conversation = converse(verdict, on: channel, logger: logger)
        conversation.cascade(to: promise)
        return conversation.map { _ in }
      } gaveUp: {
        promise.fail(ChannelError.eof)
      }
      try channel.pipeline.syncOperations.addHandler(handler)
      let value = Value(channel: channel, conversation: promise.futureResult)
      connections.add(channel)
      // NIO stops the process when a wrapped channel is dropped while it is open, which a connection nobody
      // came to handle would be; so it lives until it is closed.
      channel.closeFuture.whenComplete { _ in withExtendedLifetime(value) {} }
      return value
    }
  }

  private func converse(
    _ verdict: PrefaceHandler.Verdict, on channel: any Channel, logger: Logger
  ) -> EventLoopFuture<Conversation> {
    switch verdict {
    case .http2: grpc(on: channel)
    case .http1(let host?) where guests?.own(host) == true:
      guests?.serve(channel).map { .guest } ?? http1(on: channel, logger: logger)
    case .http1: http1(on: channel, logger: logger)
    }
  }

  private func grpc(on channel: any Channel) -> EventLoopFuture<Conversation> {
    channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(EndOfStream()) }
      .flatMap { intake.configure(channel) }
      .map { .grpc($0) }
  }

  private func http1(on channel: any Channel, logger: Logger) -> EventLoopFuture<Conversation> {
    http1.setup(channel: channel, logger: logger).flatMapThrowing { value in
      try OlderHTTP.add(to: channel)
      try UpgradeRefusal.add(to: channel)
      return .http1(value)
    }
  }

  func handle(value: Value, logger: Logger) async {
    let conversation = try? await withTaskCancellationHandler {
      try await value.conversation.get()
    } onCancel: {
      value.channel.close(promise: nil)
    }
    switch conversation {
    case .http1(let channel): await http1.handle(value: channel, logger: logger)
    case .grpc(let connection): intake.accept(connection, on: value.channel)
    // The listener's stop waits for its connections, those of guests too.
    case .guest: await guest(on: value.channel)
    case nil: break
    }
  }

  private func guest(on channel: any Channel) async {
    await withTaskCancellationHandler {
      try? await channel.closeFuture.get()
    } onCancel: {
      channel.close(promise: nil)
    }
  }
}
