import Diagnostics
import NIOCore
import NIOHTTP1
import Storage

/// One call on its way through one replica: gets a connection, sends the request as it comes and tells the answer as it
/// comes. Lives on one event loop; whoever makes it sees to its time.
///
/// A kept connection can be closed by the app in the moment it is used. Then the call goes out once more on a fresh one,
/// if nothing of its body is gone and its method may be repeated (RFC 9110 §9.2.2). Any other method is only sent on a
/// kept connection that was open a moment before.
package final class ReplicaCall {
  private enum State {
    case idle
    case connecting
    case sending(ReplicaConnection)
    case over
  }

  package let app: AppID
  private let admission: Admission
  private let port: AppPort
  private let head: HTTPRequestHead
  private let offersUpgrade: Bool
  private let pool: ReplicaConnections
  private let limit: Duration
  private var sink: (any CallSink)?
  private var state = State.idle
  /// What was sent before there was a connection.
  private var outbox: [HTTPClientRequestPart] = []
  private var isRequestOver = false
  private var hasSentBody = false
  private var isRetried = false
  private var isAnswered = false
  private var switching: HTTPResponseHead?

  /// `head` goes out as it is. `offersUpgrade` lets the app answer 101.
  package init(
    _ head: HTTPRequestHead, by admission: Admission, port: AppPort, offersUpgrade: Bool = false,
    pool: ReplicaConnections, sink: any CallSink
  ) {
    let revision = admission.replica.plan.revision
    self.app = revision.app
    self.limit = revision.policy.callTimeout
    self.admission = admission
    self.port = port
    self.head = head
    self.offersUpgrade = offersUpgrade
    self.pool = pool
    self.sink = sink
  }

  package var isAnswerBegun: Bool { isAnswered }

  // MARK: - The request

  package func start() {
    let key = ReplicaConnection.Key(replica: admission.replica.id, port: port)
    if let connection = pool.take(key, isChecked: !mayBeRepeated) { send(on: connection) } else { connect() }
  }

  /// Whether the next piece can be sent at once.
  package var isWritable: Bool {
    guard case .sending(let connection) = state else { return false }
    return connection.isWritable
  }

  package func send(_ piece: ByteBuffer) {
    switch state {
    case .idle, .connecting: outbox.append(.body(.byteBuffer(piece)))
    case .sending(let connection):
      hasSentBody = true
      connection.write(.body(.byteBuffer(piece)))
    case .over: break
    }
  }

  /// Nothing more of the request comes.
  package func finish(_ trailers: HTTPHeaders?) {
    isRequestOver = true
    switch state {
    case .idle, .connecting: outbox.append(.end(trailers))
    case .sending(let connection): connection.write(.end(trailers))
    case .over: break
    }
  }

  package func flush() {
    if case .sending(let connection) = state { connection.flush() }
  }

  private func connect() {
    state = .connecting
    pool.open(to: admission.replica, port: port) { [self] result in
      guard case .connecting = state else {
        if case .success(let connection) = result { connection.close() }
        return
      }
      switch result {
      case .success(let connection): send(on: connection)
      // After a retry the news is what came of the call, not that the app is no longer there.
      case .failure(let failure):
        fail(isRetried ? .noAnswer(app, isRetried: true, cause: failure.failure.oneLine) : failure)
      }
    }
  }

  private func send(on connection: ReplicaConnection) {
    state = .sending(connection)
    connection.call = self
    connection.write(.head(head))
    for part in outbox {
      if case .body = part { hasSentBody = true }
      connection.write(part)
    }
    outbox = []
    connection.flush()
    if !isRequestOver { sink?.requestMayContinue() }
    connection.readMore()
  }

  private var mayBeRepeated: Bool {
    switch head.method {
    case .GET, .HEAD, .PUT, .DELETE, .OPTIONS, .TRACE: !offersUpgrade
    default: false
    }
  }

  // MARK: - The answer, as the connection tells it

  var takesMore: Bool { sink?.takesMore ?? false }

  /// The sink takes more.
  package func readMore() {
    if case .sending(let connection) = state { connection.readMore() }
  }

  func mayContinue() { sink?.requestMayContinue() }

  func answered(_ head: HTTPResponseHead) {
    if (100..<200).contains(head.status.code) { return sink?.informed(head) ?? () }
    if case .unknown(let coding) = CallHeaders.framing(of: head.headers) {
      return fail(.invalid(app, "transfer coding '\(coding.prefix(100))'"))
    }
    isAnswered = true
    isReusable = head.isKeepAlive
    sink?.answered(head)
  }

  private var isReusable = false

  func answered(_ piece: ByteBuffer) { sink?.answered(piece) }
  func flushAnswer() { sink?.flushAnswer() }

  func ended(_ trailers: HTTPHeaders?, on connection: ReplicaConnection) {
    connection.call = nil
    if isReusable, isRequestOver { pool.put(connection) } else { connection.close() }
    over()?.answerEnded(trailers)
  }

  /// Whether a 101 is welcome; fails the call when it is not.
  func mayUpgrade(by head: HTTPResponseHead) -> Bool {
    guard offersUpgrade, isRequestOver, head.headers.contains(name: "upgrade") else {
      fail(.invalid(app, "an upgrade that was not asked for"))
      return false
    }
    switching = head
    return true
  }

  func upgraded(on connection: ReplicaConnection) {
    guard let switching else { return }
    connection.call = nil
    let raw = RawReplicaConnection(connection, admission: admission)
    let sink = sink
    self.sink = nil
    state = .over
    sink?.upgraded(switching, raw)
  }

  /// The connection is gone; `error` says how, nil that the app closed it.
  func lost(by error: (any Error)?) {
    guard case .sending(let connection) = state else { return }
    if let error, isHeadTooLarge(error) { return fail(.headTooLarge(app)) }
    if isAnswered { return fail(.brokenOff(app, error.map { "\($0)" })) }
    if let error, error is HTTPParserError || error is NIOHTTPDecoderError {
      // A connection that is closed in the middle of a head, or before one, is no bad HTTP.
      if (error as? HTTPParserError) != .invalidEOFState { return fail(.invalid(app, "\(error)")) }
    }
    guard connection.isUsed, mayBeRepeated, !hasSentBody, !isRetried else {
      return fail(.noAnswer(app, isRetried: isRetried || mayBeRepeated, cause: error.map { "\($0)" }))
    }
    isRetried = true
    outbox = isRequestOver ? [.end(nil)] : []
    connect()
  }

  private func isHeadTooLarge(_ error: any Error) -> Bool { (error as? HTTPParserError) == .headerOverflow }

  // MARK: - The end

  /// Its time is over.
  package func timeOut() { fail(.timeout(app, limit, hasBegun: isAnswered)) }

  /// Nobody waits for the answer any more.
  package func cancel() {
    if case .sending(let connection) = state {
      connection.call = nil
      connection.close()
    }
    _ = over()
  }

  private func fail(_ failure: CallFailure) {
    if case .sending(let connection) = state {
      connection.call = nil
      connection.close()
    }
    over()?.callFailed(failure)
  }

  /// Ends the call; the sink that has to hear of it.
  private func over() -> (any CallSink)? {
    state = .over
    outbox = []
    admission.end()
    defer { sink = nil }
    return sink
  }
}
