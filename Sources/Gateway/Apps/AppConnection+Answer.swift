import Diagnostics
import NIOCore
import NIOHTTP1
import Runner

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension AppConnection: CallSink {
  // MARK: - The app's answer

  var takesMore: Bool { context?.channel.isWritable ?? false }
  func requestMayContinue() { readMore() }
  func flushAnswer() { context?.flush() }

  func informed(_ head: HTTPResponseHead) {
    guard let exchange, !exchange.isAnswerBegun, !exchange.isOld else { return }
    let headers = HTTPHeaders(CallHeaders.toCaller(head.headers, isOpen: false))
    write(.head(HTTPResponseHead(version: .http1_1, status: head.status, headers: headers)))
    context?.flush()
  }

  func answered(_ head: HTTPResponseHead) {
    guard var exchange else { return }
    exchange.isAnswerBegun = true
    var headers = CallHeaders.toCaller(head.headers, isOpen: exchange.isOpen)
    if exchange.head.method != .HEAD, head.status.mayHaveResponseBody {
      // What has neither a length nor chunks ends with the app's connection; with this one it shall not, so that an
      // answer that breaks off can be told from one that ends.
      let framing = CallHeaders.framing(of: head.headers)
      if framing == .chunked { headers.removeAll { $0.0.lowercased() == "content-length" } }
      if framing != .length {
        if !exchange.isOld { headers.append(("transfer-encoding", "chunked")) }
      }
    }
    if exchange.isLast { headers.append(("connection", "close")) }
    self.exchange = exchange
    write(.head(HTTPResponseHead(version: .http1_1, status: head.status, headers: HTTPHeaders(headers))))
  }

  func answered(_ piece: ByteBuffer) { write(.body(.byteBuffer(piece))) }

  func answerEnded(_ trailers: HTTPHeaders?) {
    guard let exchange else { return }
    end(CallHeaders.trailersToCaller(trailers), isLast: exchange.isLast || !exchange.isRequestOver)
  }

  func callFailed(_ failure: CallFailure) {
    guard let exchange else { return }
    if exchange.isAnswerBegun { return reset() }
    if failure.isReplicaGone, !exchange.isTriedAgain { return tryAgain() }
    refuse(AppLetter(failure.failure, status: failure.status))
    drain()
  }

  /// The end of an answer that cannot be completed: a reset, so that nobody takes what came for the whole.
  private func reset() {
    guard let context else { return }
    phase = .closing
    exchange = nil
    if let socket = context.channel as? any SocketOptionProvider {
      socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in }
    }
    context.close(promise: nil)
  }

  // MARK: - Letters of ours

  func refuse(_ refused: AppVisit.Refused) {
    var letter = AppLetter(refused.failure)
    if letter.status == .serviceUnavailable || letter.status == .tooManyRequests, let wait = refused.retryAfter {
      letter.retry(after: wait)
    }
    refuse(letter)
  }

  /// Answers by a letter. The rest of a small request is read first, so that the connection can be used again; a larger
  /// one is not waited for, and the connection ends.
  func refuse(_ letter: AppLetter, isLast: Bool = false) {
    guard let head = exchange?.head else { return }
    if isLast { exchange?.isLast = true }
    if exchange?.isRequestOver == true || exchange?.isLast == true { return send(letter) }
    let length = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
    let isSmall = exchange?.framing != .chunked && length <= 64 << 10 && !head.headers.contains(name: "expect")
    guard isSmall else { return send(letter) }
    phase = .refusing(letter)
  }

  /// Writes the letter, and ends the connection when the request is not through.
  func send(_ letter: AppLetter) {
    guard let exchange else { return }
    let isLast = exchange.isLast || !exchange.isRequestOver
    var headers = letter.headers
    if exchange.isOpen { headers.add(name: "access-control-allow-origin", value: "*") }
    if isLast { headers.add(name: "connection", value: "close") }
    self.exchange?.isAnswerBegun = true
    write(.head(HTTPResponseHead(version: .http1_1, status: letter.status, headers: headers)))
    if exchange.head.method != .HEAD, !letter.body.isEmpty {
      write(.body(.byteBuffer(ByteBuffer(bytes: letter.body))))
    }
    end(nil, isLast: isLast)
  }

  private func end(_ trailers: HTTPHeaders?, isLast: Bool) {
    guard let context else { return }
    guard isLast else {
      context.writeAndFlush(Self.wrapOutboundOut(.end(trailers)), promise: nil)
      return endExchange()
    }
    phase = .closing
    exchange = nil
    let this = NIOLoopBound(self, eventLoop: loop)
    let promise = context.eventLoop.makePromise(of: Void.self)
    promise.futureResult.whenComplete { _ in this.value.closeGently() }
    context.writeAndFlush(Self.wrapOutboundOut(.end(trailers)), promise: promise)
  }

  private func write(_ part: HTTPServerResponsePart) { context?.write(Self.wrapOutboundOut(part), promise: nil) }

  // MARK: - An upgrade

  func upgraded(_ head: HTTPResponseHead, _ raw: RawReplicaConnection) {
    guard let context, let exchange, let upstream = raw.channel else { return raw.close() }
    var headers = CallHeaders.toCaller(head.headers, isOpen: exchange.isOpen)
    headers.append(("connection", "upgrade"))
    for value in head.headers["upgrade"] { headers.append(("upgrade", value)) }
    write(.head(HTTPResponseHead(version: .http1_1, status: .switchingProtocols, headers: HTTPHeaders(headers))))
    context.flush()
    let tunnel = Tunnel(client: context.channel, app: upstream, until: due)
    handOver()
    tunnel.begin(raw, leaving: self)
  }
}
