import API
import Diagnostics
import GRPCCore
import GRPCNIOTransportHTTP2
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import SwiftProtobuf
import Synchronization

/// The door of the house: HTTP/1.1 and gRPC on the same port, behind any number of addresses.
///
/// gRPC health and reflection are added to the given services. Health says SERVING once all addresses listen, while
/// `isReady` holds, and until draining begins.
package final class DoorServer: ServiceLifecycle.Service {
  private typealias Wire = HTTP2ServerTransport.Custom<GRPCIntake>
  private typealias Transport = NumberedTransport<Wire>

  private let addresses: [Door.Address]
  private let limits: Door.Limits
  private let logger: Logger
  private let onReady: @Sendable ([Door.Address]) async -> Void
  private let group: any EventLoopGroup
  private let intake: GRPCIntake
  private let grpc: GRPCServer<Transport>
  private let channel: DoorChannel
  private let readiness: Readiness
  private let listeners = Mutex<[Server<DoorChannel>]>([])
  private let listening = Mutex<[Int: Door.Address]>([:])

  /// `off` names services that health says NOT_SERVING of; they still answer. `onReady` is called once, when all
  /// addresses listen, in order, with the ports they got. With `numbers` clients speak in those, and reflection shows
  /// them. `guests` get the connections they own before the responder.
  package init(
    addresses: [Door.Address],
    responder: @escaping HTTPChannelHandler.Responder,
    services: [any RegistrableRPCService] = [],
    off: Set<String> = [],
    interceptors: [any ServerInterceptor] = [],
    numbers: FieldNumbers? = nil,
    guests: Door.Guests? = nil,
    isReady: @escaping @Sendable () -> Bool = { true },
    limits: Door.Limits = Door.Limits(),
    group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
    logger: Logger,
    onReady: @escaping @Sendable ([Door.Address]) async -> Void = { _ in }
  ) {
    self.addresses = addresses
    self.limits = limits
    self.logger = logger
    self.onReady = onReady
    self.group = group
    self.intake = GRPCIntake(eventLoopGroup: group)
    self.readiness = Readiness(condition: isReady)
    let http1 = HTTP1Channel(responder: responder, configuration: .init(idleTimeout: TimeAmount(limits.idle)))
    self.channel = DoorChannel(
      http1: http1,
      intake: intake,
      connections: OpenConnections(),
      guests: guests,
      patience: TimeAmount(limits.patience)
    )
    let router = Self.router(
      services, off: off, interceptors: interceptors, files: numbers?.files, readiness: readiness)
    self.grpc = GRPCServer(
      transport: Transport(
        base: Wire(listenerFactory: intake, config: Self.transport(limits)),
        numbers: numbers
      ),
      router: router
    )
  }

  /// How many connections are open now.
  package var connectionCount: Int { channel.connections.count }

  /// Serves until it is shut down gracefully or cancelled, and returns when the last connection is closed.
  ///
  /// Throws `address-in-use`, `address-forbidden` or `address-unknown` when an address cannot be had; then
  /// none of them listens.
  package func run() async throws {
    defer { channel.connections.closeAll() }
    try await withTaskCancellationHandler {
      try await withGracefulShutdownHandler {
        try await serve()
      } onGracefulShutdown: {
        self.beginShutdown()
      }
    } onCancel: {
      channel.connections.closeAll()
    }
  }

  /// Stops listening, lets requests in progress end within the grace, then closes what is left.
  package func beginShutdown() {
    readiness.stop()
    grpc.beginGracefulShutdown()
    for listener in listeners.withLock({ $0 }) {
      Task { try? await listener.shutdownGracefully() }
    }
    let connections = channel.connections
    group.any().scheduleTask(in: TimeAmount(limits.grace)) { connections.closeAll() }
  }

  private func serve() async throws {
    try await withThrowingTaskGroup(of: Void.self) { tasks in
      tasks.addTask {
        defer { self.intake.abandon() }
        do { try await self.grpc.serve() } catch  where self.readiness.isDraining {}
      }
      guard await intake.opened() else { return try await tasks.waitForAll() }
      for (position, address) in addresses.enumerated() {
        tasks.addTask {
          try await self.listen(on: address, at: position)
        }
      }
      do {
        // Not waitForAll(), which would wait for the addresses that could be had.
        for try await _ in tasks {}
      } catch {
        beginShutdown()
        channel.connections.closeAll()
        // Waited for and not cancelled, which the listeners that are up would log as an error of theirs.
        while await tasks.nextResult() != nil {}
        throw error
      }
    }
  }

  private func listen(on address: Door.Address, at position: Int) async throws {
    var quiet = logger
    // The listener's own line about its address would repeat the banner's.
    if quiet.logLevel == .info { quiet.logLevel = .notice }
    let server = Server(
      childChannelSetup: channel,
      configuration: ServerConfiguration(
        address: .hostname(address.host, port: address.port),
        backlog: 1024,
        availableConnectionsDelegate: MaximumAvailableConnections(limits.connections, logger: quiet)
      ),
      onServerRunning: { listener in
        let port = listener.localAddress?.port ?? address.port
        await self.bound(Door.Address(host: address.host, port: port), at: position)
      },
      eventLoopGroup: group,
      logger: quiet
    )
    listeners.withLock { $0.append(server) }
    // Draining may have begun before this listener was in the list.
    guard !readiness.isDraining else { return }
    do {
      try await server.run()
    } catch  where readiness.isDraining {
      return
    } catch {
      throw Failure(binding: address, error: error)
    }
  }

  private func bound(_ address: Door.Address, at position: Int) async {
    let all = listening.withLock { known in
      known[position] = address
      return known.count == addresses.count ? known : nil
    }
    guard let all else { return }
    readiness.start()
    await onReady(all.sorted { $0.key < $1.key }.map(\.value))
  }

  private static func router(
    _ services: [any RegistrableRPCService],
    off: Set<String>,
    interceptors: [any ServerInterceptor],
    files: [Google_Protobuf_FileDescriptorProto]?,
    readiness: Readiness
  ) -> RPCRouter<Transport> {
    var router = RPCRouter<Transport>()
    for service in services { service.registerMethods(with: &router) }
    let names = Set(router.methods.map(\.service.fullyQualifiedService))
    HealthRPC(services: names, off: off, readiness: readiness).registerMethods(with: &router)
    let reflection = ReflectionIndex(
      services: names.union(ReflectionIndex.standardServices), files: files ?? Descriptors.files)
    ReflectionRPC(index: reflection).registerMethods(with: &router)
    ReflectionAlphaRPC(index: reflection).registerMethods(with: &router)
    router.registerInterceptors(pipeline: interceptors.map { .apply($0, to: .all) })
    return router
  }

  private static func transport(_ limits: Door.Limits) -> Wire.Config {
    var config = Wire.Config.defaults
    // Measured: the default window of 64 KiB and frame of 16 KiB keep uploads at a seventh of their speed.
    config.http2.targetWindowSize = 8 << 20
    config.http2.maxFrameSize = 1 << 20
    config.http2.maxConcurrentStreams = 256
    config.connection.flushCoalescing = nil
    config.connection.maxGraceTime = limits.grace
    // The vendor's SDK pings every 30 s, also without calls; a stricter rule would hang up on it.
    config.connection.keepalive.clientBehavior = .init(
      minPingIntervalWithoutCalls: .seconds(10),
      allowWithoutCalls: true
    )
    config.rpc.maxRequestPayloadSize = Int(limits.message.bytes)
    return config
  }
}
