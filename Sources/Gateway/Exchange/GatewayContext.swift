import Logging
import NIOCore

/// What the gateway knows about a request besides the request itself.
package struct GatewayContext: Sendable {
  let requestID: RequestID
  /// The connection; nil when a test calls the gateway without one.
  let channel: (any Channel)?
  /// Whether the caller is on this machine.
  let isFromLoopback: Bool
  let logger: Logger

  /// For a request that came by `channel`.
  package init(channel: any Channel, logger: Logger) {
    requestID = .make()
    self.channel = channel
    self.logger = logger
    isFromLoopback = Self.isLoopback(channel.remoteAddress)
  }

  init(isFromLoopback: Bool, logger: Logger) {
    requestID = .make()
    channel = nil
    self.isFromLoopback = isFromLoopback
    self.logger = logger
  }

  private static func isLoopback(_ peer: SocketAddress?) -> Bool {
    switch peer {
    case .unixDomainSocket: true
    case .v4, .v6: peer?.ipAddress.map { LoopbackAddress.contains($0) } ?? false
    case nil: false
    }
  }
}
