import Glibc
import NIOCore
import NIOPosix
import Sandbox
import SystemPackage

/// Makes the connections replicas ask for, from this machine's own network, and relays them.
///
/// Here: a caller that waits is told how his connection went; one that doesn't is connected at once, and reset when the
/// destination refuses. He sees the relay's address as his peer's.
struct OutboundRelay: Sendable {
  let group: any EventLoopGroup
  let places: OutboundPlaces

  init(group: any EventLoopGroup, places: OutboundPlaces = OutboundPlaces()) {
    self.group = group
    self.places = places
  }

  func take(_ call: OutboundCall) {
    guard let destination = Self.address(call.address) else { return call.answer(error: EAFNOSUPPORT) }
    // What a machine says that has no port left.
    guard let place = places.take() else { return call.answer(error: EADDRNOTAVAIL) }
    let loop = group.next()
    let ends = (near: RelayEnd(), far: RelayEnd())
    if call.waits {
      Self.connect(ends.far, to: destination, on: loop).whenComplete { result in
        switch result {
        case .success(let outer):
          place.end(with: outer)
          call.accept { socket in
            guard let socket else { return outer.close(promise: nil) }
            loop.execute { Self.join(socket.rawValue, ends, outer, on: loop) }
          }
        case .failure(let error): call.answer(error: Self.number(of: error))
        }
      }
    } else {
      call.accept { socket in
        guard let socket else { return }
        Self.connect(ends.far, to: destination, on: loop).whenComplete { result in
          switch result {
          case .success(let outer):
            place.end(with: outer)
            Self.join(socket.rawValue, ends, outer, on: loop)
          case .failure: Self.reset(socket.rawValue)
          }
        }
      }
    }
  }

  /// Relays what comes on `inner`, which must be about to begin and not read by itself.
  static func relay(_ inner: any Channel, to destination: SocketAddress) -> EventLoopFuture<Void> {
    let ends = (near: RelayEnd(), far: RelayEnd())
    return inner.pipeline.addHandler(ends.near).map {
      connect(ends.far, to: destination, on: inner.eventLoop).whenComplete { result in
        switch result {
        case .success: RelayEnd.join(ends.near, ends.far)
        case .failure: inner.close(promise: nil)
        }
      }
    }
  }

  private static func connect(
    _ end: RelayEnd, to destination: SocketAddress, on loop: any EventLoop
  ) -> EventLoopFuture<any Channel> {
    bootstrap(end, on: loop).connectTimeout(.seconds(60)).connect(to: destination)
  }

  private static func join(
    _ socket: CInt, _ ends: (near: RelayEnd, far: RelayEnd), _ outer: any Channel, on loop: any EventLoop
  ) {
    bootstrap(ends.near, on: loop).withConnectedSocket(socket).whenComplete { result in
      switch result {
      case .success: RelayEnd.join(ends.near, ends.far)
      case .failure: outer.close(promise: nil)
      }
    }
  }

  private static func bootstrap(_ end: RelayEnd, on loop: any EventLoop) -> ClientBootstrap {
    ClientBootstrap(group: loop).channelOption(.autoRead, value: false)
      .channelOption(.allowRemoteHalfClosure, value: true).channelOption(.tcpOption(.tcp_nodelay), value: 1)
      .channelInitializer { channel in channel.pipeline.addHandler(end) }
  }

  private static func reset(_ socket: CInt) {
    var linger = linger(l_onoff: 1, l_linger: 0)
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
    close(socket)
  }

  private static func address(_ storage: sockaddr_storage) -> SocketAddress? {
    withUnsafePointer(to: storage) { pointer in
      switch Int32(storage.ss_family) {
      case AF_INET: pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { SocketAddress($0.pointee) }
      case AF_INET6: pointer.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { SocketAddress($0.pointee) }
      default: nil
      }
    }
  }

  private static func number(of error: any Error) -> Int32 {
    switch error {
    case let error as IOError: error.errnoCode
    case is ChannelError: ETIMEDOUT
    default: ECONNREFUSED
    }
  }
}

/// One side of a relay: it reads only what the other side can write. Both are of one event loop, and used there alone.
private final class RelayEnd: ChannelInboundHandler, @unchecked Sendable {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private var other: RelayEnd?
  private var context: ChannelHandlerContext?
  /// The other side has to write before this one reads on.
  private var waits = false
  /// What came before there was another side: a channel that does not read is given all the same what came before its
  /// end.
  private var held: [ByteBuffer] = []
  private var hasEnded = false
  private var isGone = false

  static func join(_ one: RelayEnd, _ two: RelayEnd) {
    one.other = two
    two.other = one
    one.begin()
    two.begin()
  }

  private func begin() {
    for bytes in held { write(bytes) }
    held = []
    other?.context?.flush()
    if hasEnded {
      other?.context?.close(mode: .output, promise: nil)
    } else if isGone {
      other?.context?.close(promise: nil)
    } else {
      context?.read()
    }
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    other = nil
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) { write(unwrapInboundIn(data)) }

  private func write(_ bytes: ByteBuffer) {
    if let other {
      other.context?.write(other.wrapOutboundOut(bytes), promise: nil)
    } else {
      held.append(bytes)
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    guard let other else { return }
    other.context?.flush()
    if other.context?.channel.isWritable ?? true {
      context.read()
    } else {
      waits = true
    }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    guard context.channel.isWritable, let other, other.waits else { return }
    other.waits = false
    other.context?.read()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard let event = event as? ChannelEvent, event == .inputClosed else { return }
    hasEnded = true
    other?.context?.close(mode: .output, promise: nil)
  }

  /// After an orderly end the other side still writes what it has, and ends with its own peer's end.
  func channelInactive(context: ChannelHandlerContext) {
    isGone = true
    if !hasEnded { other?.context?.close(promise: nil) }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}
