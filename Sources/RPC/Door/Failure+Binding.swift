import Diagnostics
import NIOCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension Failure {
  /// Why an address cannot be listened on, with who holds it where that can be found out.
  init(binding address: Door.Address, error: any Error) {
    guard let system = error as? IOError else {
      self.init(
        .invalidArgument,
        reason: "address-unknown",
        "address '\(address)' cannot be resolved",
        hint: "use an address of this machine, such as 127.0.0.1",
        cause: "\(error)"
      )
      return
    }
    switch system.errnoCode {
    case EADDRINUSE:
      let owner = PortOwner.find(port: address.port).map { " by \($0)" } ?? ""
      self.init(
        .unavailable,
        reason: "address-in-use",
        "port \(address.port) is in use\(owner)",
        hint: "use --port 0 for any free port, or kindling status if this is another kindling"
      )
    case EACCES, EPERM:
      self.init(
        .permissionDenied,
        reason: "address-forbidden",
        "this user may not listen on port \(address.port)",
        hint: "use a port above 1023, or --port 0 for any free one"
      )
    case EADDRNOTAVAIL, EAFNOSUPPORT:
      self.init(
        .invalidArgument,
        reason: "address-unknown",
        "this machine has no address '\(address.host)'",
        hint: "use 127.0.0.1 for this machine only, or 0.0.0.0 for every network it is on"
      )
    default:
      self.init(wrapping: error, reason: "address-unusable", while: "listening on '\(address)'")
    }
  }
}
