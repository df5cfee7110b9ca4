import Diagnostics
import NIOCore
import NIOPosix
import SystemPackage

#if canImport(Glibc)
  import Glibc
#endif

/// Asks over the replica's own network, with as little HTTP as the question takes.
package struct HealthProbe: ReplicaProbe {
  private let group: any EventLoopGroup

  package init(group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton) { self.group = group }

  package func ask(_ replica: any Replica, port: AppPort, path: String, timeout: Duration) async -> ProbeAnswer {
    let socket: SystemPackage.FileDescriptor
    do throws(Failure) { socket = try replica.socket() } catch { return .broken(error.message) }
    switch Self.connect(socket, port: port) {
    case .refused:
      try? socket.close()
      return .refused
    case .connecting: break
    }
    let loop = group.next()
    let answered = loop.makePromise(of: ProbeAnswer.self)
    let question = """
      GET \(path) HTTP/1.1\r\nhost: localhost:\(port)\r\nuser-agent: kindling-health\r\naccept: */*\r\n\
      connection: close\r\n\r\n
      """
    ClientBootstrap(group: loop).channelInitializer { channel in
      channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.addHandler(
          HealthQuestion(question, timeout: TimeAmount(timeout), answered: answered))
      }
    }
    .withConnectedSocket(socket.rawValue)
    .whenFailure { error in answered.succeed(.broken("\(error)")) }
    return (try? await answered.futureResult.get()) ?? .silent
  }

  private enum Connection { case refused, connecting }

  /// Over loopback a refusal is there when connect returns, and a second connect says so: nine of ten questions of an app
  /// that starts cost two system calls. What is still under way then goes to the event loop, which finds out.
  private static func connect(_ socket: SystemPackage.FileDescriptor, port: AppPort) -> Connection {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.number.bigEndian
    address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
    for _ in 0..<2 {
      let result = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          Glibc.connect(socket.rawValue, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      if result == 0 { return .connecting }
      guard [EINPROGRESS, EALREADY, EISCONN, EINTR].contains(errno) else { return .refused }
    }
    return .connecting
  }
}

/// Sends the question, reads the status of what comes back, and lets the app finish its answer: one that writes into a
/// connection that is gone may die of it.
private final class HealthQuestion: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer
  private static let longestAnswer = 1 << 16

  private let question: String
  private let timeout: TimeAmount
  private let answered: EventLoopPromise<ProbeAnswer>
  private var beginning = ByteBuffer()
  private var received = 0
  private var isAnswered = false
  private var timer: Scheduled<Void>?

  init(_ question: String, timeout: TimeAmount, answered: EventLoopPromise<ProbeAnswer>) {
    (self.question, self.timeout, self.answered) = (question, timeout, answered)
  }

  func channelActive(context: ChannelHandlerContext) {
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleTask(in: timeout) {
      let (handler, context) = bound.value
      handler.answer(.silent)
      context.close(promise: nil)
    }
    context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: question)), promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    received += bytes.readableBytes
    if !isAnswered {
      beginning.writeBuffer(&bytes)
      if let found = Self.status(beginning) { answer(found) }
    }
    if received > Self.longestAnswer { context.close(promise: nil) }
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    answer(
      .broken(
        received == 0 ? "it closed the connection without an answer" : "its answer begins with \(Self.shown(beginning))"
      ))
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    let isRefused = (error as? IOError)?.errnoCode == ECONNREFUSED
    answer(isRefused ? .refused : .broken("the connection broke off"))
    context.close(promise: nil)
  }

  private func answer(_ found: ProbeAnswer) {
    guard !isAnswered else { return }
    isAnswered = true
    answered.succeed(found)
  }

  /// Nil while there are too few bytes to tell.
  private static func status(_ buffer: ByteBuffer) -> ProbeAnswer? {
    let bytes = buffer.readableBytesView.prefix(12)
    let expected = Array("HTTP/1.".utf8)
    guard bytes.prefix(7).elementsEqual(expected.prefix(bytes.count)) else {
      return .broken("its answer begins with \(shown(buffer))")
    }
    guard bytes.count == 12 else { return nil }
    let digits = bytes.suffix(3)
    guard digits.allSatisfy({ (0x30...0x39).contains($0) }), let status = Int(String(decoding: digits, as: UTF8.self))
    else { return .broken("its answer begins with \(shown(buffer))") }
    return .status(status)
  }

  private static func shown(_ buffer: ByteBuffer) -> String {
    let text = String(decoding: buffer.readableBytesView.prefix(24), as: UTF8.self)
    return "\"" + text.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0.isPunctuation || $0 == " ") ? $0 : "." }
      + "\""
  }
}
