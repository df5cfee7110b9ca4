import Diagnostics
import NIOCore

/// Words about the shared port.
package enum Door {
  /// Where to listen.
  package struct Address: Sendable, Hashable, CustomStringConvertible {
    package var host: String
    /// 0 takes any free port.
    package var port: Int
    package init(host: String, port: Int) {
      self.host = host
      self.port = port
    }
    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
  }

  /// What the door allows a connection.
  package struct Limits: Sendable {
    /// Connections of one address at a time; more wait in the kernel's backlog.
    package var connections = 4096
    /// Until a connection must have said what it speaks.
    package var patience = Duration.seconds(30)
    /// Between two HTTP/1.1 requests.
    package var idle = Duration.seconds(120)
    /// For requests in progress, once draining has begun.
    package var grace = Duration.seconds(10)
    /// Largest gRPC message: above the contract's bound of 4 MiB on an inline context, so that the caller is told
    /// about that bound and the way around it, and not about a transport's limit.
    package var message = ByteCount.mebibytes(64)
    package init() {}
  }
  /// Connections that are not for the door's responder, told by the host their first request names.
  package struct Guests: Sendable {
    let own: @Sendable (_ host: String) -> Bool
    let serve: @Sendable (_ channel: any Channel) -> EventLoopFuture<Void>

    /// `own` tells by a `Host` header's value; `serve` then makes the connection speak, from its first byte on.
    package init(
      own: @escaping @Sendable (_ host: String) -> Bool,
      serve: @escaping @Sendable (_ channel: any Channel) -> EventLoopFuture<Void>
    ) {
      self.own = own
      self.serve = serve
    }
  }
}
