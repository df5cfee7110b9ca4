import Diagnostics
import NIOCore
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Connects the socket that a replica gave. Over loopback that is done by the time the kernel has been asked, so nothing
/// waits for an event; only a full backlog takes longer, and is looked at again from time to time.
enum ReplicaSocket {
  struct Refused: Error, CustomStringConvertible {
    let description: String
  }

  /// Connects and gives the socket on; it is closed when that fails.
  static func connect(
    _ handle: CInt, port: AppPort, on loop: any EventLoop, patience: TimeAmount = CallLimits.connectTime
  ) -> EventLoopFuture<CInt> {
    var yes: CInt = 1
    // A head and a small body are two writes, and nobody shall wait for the first one's acknowledgement.
    setsockopt(handle, CInt(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<CInt>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.number.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        #if canImport(Glibc)
          Glibc.connect(handle, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        #else
          Darwin.connect(handle, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        #endif
      }
    }
    if status != 0, errno != EINPROGRESS, errno != EINTR { return refused(handle, errno, loop) }
    return look(at: handle, on: loop, until: .now() + patience, next: .milliseconds(1))
  }

  private static func look(
    at handle: CInt, on loop: any EventLoop, until deadline: NIODeadline, next pause: TimeAmount
  ) -> EventLoopFuture<CInt> {
    var wish = pollfd(fd: handle, events: Int16(POLLOUT), revents: 0)
    if poll(&wish, 1, 0) > 0 {
      var error: CInt = 0
      var length = socklen_t(MemoryLayout<CInt>.size)
      getsockopt(handle, SOL_SOCKET, SO_ERROR, &error, &length)
      return error == 0 ? loop.makeSucceededFuture(handle) : refused(handle, error, loop)
    }
    guard .now() + pause < deadline else { return refused(handle, ETIMEDOUT, loop) }
    return loop.flatScheduleTask(in: pause) {
      look(at: handle, on: loop, until: deadline, next: min(pause * 2, .milliseconds(50)))
    }.futureResult
  }

  private static func refused(_ handle: CInt, _ error: CInt, _ loop: any EventLoop) -> EventLoopFuture<CInt> {
    close(handle)
    return loop.makeFailedFuture(Refused(description: Errno(rawValue: error).description))
  }

  /// Whether the peer has neither closed the connection nor said anything: what an idle one has to be to be used
  /// again. One system call, which spares a call that must not be sent twice.
  static func isQuiet(_ handle: CInt) -> Bool {
    var byte: UInt8 = 0
    return recv(handle, &byte, 1, CInt(MSG_PEEK) | CInt(MSG_DONTWAIT)) < 0
      && (errno == EAGAIN || errno == EWOULDBLOCK)
  }
}
