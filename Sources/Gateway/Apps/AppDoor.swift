import Diagnostics
import Logging
import NIOCore
import NIOHTTP1
import Runner
import Service
import Storage

/// The door of the apps' host names. It has nothing in common with the gateway but the port: a connection whose first
/// request names a host below the domain comes here with all its requests, and none of them reaches the gateway's own
/// paths.
///
/// Calls never leave their event loop: at five thousand a second a task for each would be most of the work. Only a token
/// that was not seen before and a replica that has to be started are awaited.
package struct AppDoor: Sendable {
  /// What calls stand on; a reset changes it.
  package struct Rooms: Sendable {
    let fleet: any AppFleet
    let directory: any AppDirectory
    let faults: FaultBoard

    package init(fleet: any AppFleet, directory: any AppDirectory, faults: FaultBoard = FaultBoard()) {
      self.fleet = fleet
      self.directory = directory
      self.faults = faults
    }
  }

  let domain: AppDomain
  let callers: KnownCallers
  let pools: ReplicaPools
  let clock: WallClock
  /// Between two requests of a connection.
  let idle: TimeAmount
  let rooms: @Sendable () -> Rooms?
  let logger: Logger

  /// `rooms` is asked at every call; nil answers that the server is not ready.
  package init(
    domain: AppDomain, identities: IdentityService, pools: ReplicaPools = ReplicaPools(), clock: WallClock = .system,
    idle: Duration = .seconds(120), logger: Logger = Logger(label: "apps"), rooms: @escaping @Sendable () -> Rooms?
  ) {
    self.domain = domain
    callers = KnownCallers(identities, clock: clock)
    self.pools = pools
    self.clock = clock
    self.idle = TimeAmount(idle)
    self.rooms = rooms
    self.logger = logger
  }

  /// Whether a connection that begins with this `Host` is for this door: every name below the domain, known or not.
  package func owns(_ host: String) -> Bool { domain.label(of: host) != nil }

  /// Makes the connection speak HTTP/1.1 with apps.
  package func serve(_ channel: any Channel) -> EventLoopFuture<Void> {
    channel.eventLoop.makeCompletedFuture {
      let pipeline = channel.pipeline.syncOperations
      var framing = HTTPResponseEncoder.Configuration()
      framing.automaticallySetFramingHeaders = false
      try pipeline.addHandler(HTTPResponseEncoder(configuration: framing))
      let decoder = HTTPRequestDecoder(
        leftOverBytesStrategy: .forwardBytes, informationalResponseStrategy: .drop,
        limitConfiguration: CallLimits.decoding)
      try pipeline.addHandler(ByteToMessageHandler(decoder))
      try pipeline.addHandler(AppConnection(door: self, loop: channel.eventLoop))
    }
  }
}
