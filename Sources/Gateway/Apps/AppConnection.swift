import Diagnostics
import NIOCore
import NIOHTTP1
import Runner
import Service
import Storage

/// One client's connection to the door of the apps: one request after the other, each to the app it names.
///
/// A request goes through these phases, in order. What the client sends meanwhile that the phase has no use for is held,
/// and no more is read then; so nothing of a body gathers here.
final class AppConnection: ChannelInboundHandler, ChannelOutboundHandler, RemovableChannelHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundIn = HTTPServerResponsePart
  typealias OutboundOut = HTTPServerResponsePart

  enum Phase {
    /// Between requests.
    case idle
    /// Leave to call is awaited.
    case asking(Task<Void, Never>)
    case calling(ReplicaCall)
    /// The rest of a request that is answered by a letter of ours, which waits for it.
    case refusing(AppLetter)
    /// Nothing more is answered; what still comes is dropped.
    case closing
  }

  /// What the answer has to know of its request.
  struct Exchange {
    var head: HTTPRequestHead
    var framing: CallHeaders.Framing
    var isOpen = false
    /// The client has said all of it.
    var isRequestOver = false
    var isAnswerBegun = false
    /// The connection ends with the answer.
    var isLast: Bool
    var isTriedAgain = false

    init(_ head: HTTPRequestHead, isLast: Bool) {
      self.head = head
      framing = CallHeaders.framing(of: head.headers)
      // NIO's decoder reads nothing behind a request that offers another protocol.
      self.isLast = isLast || !head.isKeepAlive || head.version.minor == 0 || head.headers.contains(name: "upgrade")
    }

    /// HTTP/1.0 knows neither chunks nor informational answers.
    var isOld: Bool { head.version.minor == 0 }
  }

  let door: AppDoor
  let loop: any EventLoop
  var phase = Phase.idle
  var exchange: Exchange?
  var context: ChannelHandlerContext?
  var isDraining = false
  /// When the call of now is over, answered or not.
  private(set) var due = NIODeadline.distantFuture
  private var held: CircularBuffer<HTTPServerRequestPart> = []
  private var wantsRead = false
  private var peer: String?
  private lazy var deadline = LazyDeadline(on: loop) { [unowned self] in timeIsOver() }

  init(door: AppDoor, loop: any EventLoop) {
    self.door = door
    self.loop = loop
  }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    peer = context.remoteAddress?.ipAddress
    deadline.set(.now() + door.idle)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    deadline.end()
    abandon()
  }

  // MARK: - What the client sends

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let part = Self.unwrapInboundIn(data)
    if held.isEmpty, takes(part) { take(part) } else { held.append(part) }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if case .calling(let call) = phase { call.flush() }
  }

  /// Whether the phase has a use for the part.
  private func takes(_ part: HTTPServerRequestPart) -> Bool {
    switch phase {
    case .idle, .closing: return true
    case .asking: return false
    case .calling, .refusing:
      if case .head = part { return false }
      return true
    }
  }

  private func take(_ part: HTTPServerRequestPart) {
    switch (part, phase) {
    case (.head(let head), .idle): begin(head)
    case (.body(let piece), .calling(let call)): call.send(piece)
    case (.end(let trailers), .calling(let call)):
      exchange?.isRequestOver = true
      call.finish(CallHeaders.trailersToApp(trailers))
    case (.end, .refusing(let letter)):
      exchange?.isRequestOver = true
      send(letter)
    default: break
    }
  }

  /// Takes what was held, as far as the phase goes.
  func drain() {
    while let part = held.first, takes(part) {
      held.removeFirst()
      take(part)
    }
    if case .calling(let call) = phase { call.flush() }
    readMore()
  }

  func read(context: ChannelHandlerContext) {
    if mayRead { context.read() } else { wantsRead = true }
  }

  func readMore() {
    guard wantsRead, mayRead else { return }
    wantsRead = false
    context?.read()
  }

  private var mayRead: Bool {
    switch phase {
    case .idle, .refusing, .closing: true
    case .asking: held.isEmpty
    case .calling(let call): held.isEmpty && (exchange?.isRequestOver == true || call.isWritable)
    }
  }

  // MARK: - A request

  private func begin(_ head: HTTPRequestHead) {
    var exchange = Exchange(head, isLast: isDraining)
    defer { limitTime() }
    let label: String
    do throws(Misfit) { label = try Misfit.check(&exchange, domain: door.domain) } catch {
      self.exchange = exchange
      return refuse(AppLetter(error.failure, status: error.status), isLast: true)
    }
    guard let rooms = door.rooms() else {
      self.exchange = exchange
      return refuse(AppLetter(Self.notReady))
    }
    let visit = AppVisit(exchange.head, label: label, rooms: rooms)
    exchange.isOpen = visit.isOpen
    self.exchange = exchange
    if visit.isOpen, exchange.isPreflight { return refuse(.preflight()) }
    do throws(AppVisit.Refused) {
      guard let leave = try visit.leave(by: door, rooms) else { return ask(visit, rooms) }
      call(leave)
    } catch { refuse(error) }
  }

  /// A replica that has to be started takes as long as the fleet gives it; a client that is slow has the idle time.
  private func limitTime() {
    switch phase {
    case .calling, .closing: break
    case .asking: deadline.set(.distantFuture)
    case .idle, .refusing: deadline.set(.now() + door.idle)
    }
  }

  /// The replica had ended before it got anything: the call looks for another one, once.
  func tryAgain() {
    guard let head = exchange?.head, let rooms = door.rooms(), let host = head.headers.first(name: "host"),
      let label = door.domain.label(of: host)
    else { return }
    exchange?.isTriedAgain = true
    ask(AppVisit(head, label: label, rooms: rooms), rooms)
    limitTime()
  }

  private func ask(_ visit: AppVisit, _ rooms: AppDoor.Rooms) {
    let this = NIOLoopBound(self, eventLoop: loop)
    let (loop, door) = (loop, door)
    phase = .asking(
      Task {
        let result: Result<AppVisit.Leave, AppVisit.Refused>
        do throws(AppVisit.Refused) { result = .success(try await visit.awaitLeave(by: door, rooms)) } catch {
          result = .failure(error)
        }
        loop.execute { this.value.asked(result) }
      })
  }

  private func asked(_ result: Result<AppVisit.Leave, AppVisit.Refused>) {
    // A client that has gone: the leave ends with its last reference.
    guard case .asking = phase, exchange != nil else { return }
    switch result {
    case .success(let leave): call(leave)
    case .failure(let refused): refuse(refused)
    }
    limitTime()
    drain()
  }

  private func call(_ leave: AppVisit.Leave) {
    guard let exchange else { return }
    let upgrade = CallHeaders.upgrade(in: exchange.head.headers)
    var head = exchange.head
    head.version = .http1_1
    head.headers = CallHeaders.toApp(
      exchange.head.headers, app: leave.destination.app, execution: .make(at: door.clock.now()),
      caller: .init(address: peer, host: exchange.head.headers.first(name: "host")), framing: exchange.framing,
      upgrade: upgrade, hidesAuthorization: leave.hidesAuthorization)
    let call = ReplicaCall(
      head, by: leave.admission, port: leave.destination.port, offersUpgrade: upgrade != nil,
      pool: door.pools.connections(on: loop), sink: self)
    phase = .calling(call)
    due = .now() + TimeAmount(leave.admission.replica.plan.revision.policy.callTimeout)
    deadline.set(due)
    call.start()
  }

  // MARK: - Time and ends

  private func timeIsOver() {
    switch phase {
    case .calling(let call): call.timeOut()
    case .asking: break
    case .idle, .refusing, .closing: context?.close(promise: nil)
    }
  }

  /// The answer is through; the next request may come.
  func endExchange() {
    exchange = nil
    phase = .idle
    deadline.set(.now() + door.idle)
    drain()
  }

  /// Ends the connection after what was written. A client that is still sending gets the answer before it hears of the
  /// end: closing at once would make its kernel throw the answer away (RFC 9112 §9.6).
  func closeGently() {
    phase = .closing
    held.removeAll()
    deadline.set(.now() + .seconds(2))
    context?.close(mode: .output, promise: nil)
    readMore()
  }

  /// The connection becomes bytes: whoever takes it over sees to its time.
  func handOver() {
    phase = .closing
    exchange = nil
    deadline.end()
  }

  /// Nobody waits for the answer any more.
  private func abandon() {
    switch phase {
    case .asking(let task): task.cancel()
    case .calling(let call): call.cancel()
    case .idle, .refusing, .closing: break
    }
    phase = .closing
    exchange = nil
    held.removeAll()
  }

  func channelInactive(context: ChannelHandlerContext) { abandon() }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is ChannelShouldQuiesceEvent {
      isDraining = true
      exchange?.isLast = true
      if case .idle = phase { context.close(promise: nil) }
    }
    // Like other proxies: who ends its side before it has the answer has gone. TCP cannot tell the two apart.
    if (event as? ChannelEvent) == .inputClosed { context.close(promise: nil) }
    context.fireUserInboundEventTriggered(event)
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable, case .calling(let call) = phase { call.readMore() }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // What comes behind an error is dropped like all that comes behind the last answer.
    if case .closing = phase, error is ByteToMessageDecoderError { return }
    // An end of input is no bad HTTP: the client has gone.
    guard let error = error as? HTTPParserError, error != .invalidEOFState, isAboutThisRequest else {
      return context.close(promise: nil)
    }
    switch phase {
    case .idle: exchange = Exchange(HTTPRequestHead(version: .http1_1, method: .GET, uri: "/"), isLast: true)
    case .asking(let task): task.cancel()
    case .calling(let call): call.cancel()
    case .refusing, .closing: break
    }
    let misfit = Misfit(error)
    refuse(AppLetter(misfit.failure, status: misfit.status), isLast: true)
  }

  /// Whether what cannot be read belongs to the request that is to be answered next, and can still be answered by a
  /// letter: its body, or the head of a first or next one.
  private var isAboutThisRequest: Bool {
    switch phase {
    case .idle: true
    case .closing: false
    case .asking, .calling, .refusing:
      exchange.map { !$0.isRequestOver && !$0.isAnswerBegun && !holdsEnd } ?? false
    }
  }

  private var holdsEnd: Bool { held.contains { if case .end = $0 { true } else { false } } }

  private static let notReady = Failure(
    .unavailable, reason: "server-starting", "the server is not ready yet", hint: "wait for it: kindling wait")
}
