import Diagnostics
import NIOCore
import NIOHTTP1

/// An answer on its way from the event loop to whoever awaits it: a head, then pieces, as many at once as are asked for.
final class PendingAnswer: CallSink {
  /// What may lie here before the app has to wait.
  private static let bound = 256 << 10

  private let loop: any EventLoop
  private var call: ReplicaCall?
  private var head: CheckedContinuation<HTTPResponseHead, any Error>?
  private var reader: CheckedContinuation<[UInt8]?, any Error>?
  private var pieces: CircularBuffer<ByteBuffer> = []
  private var size = 0
  private var end: Result<Void, any Error>?
  private var deadline: Scheduled<Void>?

  init(loop: any EventLoop) { self.loop = loop }

  func begin(
    _ request: HTTPRequestHead, body: [UInt8], by admission: Admission, port: AppPort, pool: ReplicaConnections,
    _ head: CheckedContinuation<HTTPResponseHead, any Error>
  ) {
    // Cancelled before it began.
    if case .failure(let error) = end { return head.resume(throwing: error) }
    self.head = head
    let call = ReplicaCall(request, by: admission, port: port, pool: pool, sink: self)
    self.call = call
    let this = NIOLoopBound(self, eventLoop: loop)
    let limit = admission.replica.plan.revision.policy.callTimeout
    deadline = loop.scheduleTask(in: TimeAmount(limit)) { this.value.call?.timeOut() }
    if !body.isEmpty { call.send(ByteBuffer(bytes: body)) }
    call.finish(nil)
    call.start()
  }

  // MARK: - From the call

  var takesMore: Bool { size < Self.bound }
  func requestMayContinue() {}
  func flushAnswer() {}

  func answered(_ head: HTTPResponseHead) {
    self.head?.resume(returning: head)
    self.head = nil
  }

  func answered(_ piece: ByteBuffer) {
    if let reader {
      self.reader = nil
      return reader.resume(returning: Array(buffer: piece))
    }
    pieces.append(piece)
    size += piece.readableBytes
  }

  func answerEnded(_ trailers: HTTPHeaders?) { finish(.success(())) }
  func callFailed(_ failure: CallFailure) { finish(.failure(failure)) }

  private func finish(_ result: Result<Void, any Error>) {
    deadline?.cancel()
    call = nil
    end = result
    if case .failure(let error) = result {
      head?.resume(throwing: error)
      head = nil
    }
    guard let reader else { return }
    self.reader = nil
    switch result {
    case .success: reader.resume(returning: nil)
    case .failure(let error): reader.resume(throwing: Self.failure(error))
    }
  }

  // MARK: - From the reader

  /// Nobody awaits the rest.
  func cancel() {
    guard end == nil else { return }
    call?.cancel()
    finish(
      .failure(
        CallFailure(failure: Failure(.cancelled, reason: "cancelled", "the call was cancelled"), status: 499)))
  }

  private func next(_ reader: CheckedContinuation<[UInt8]?, any Error>) {
    if !pieces.isEmpty {
      // All that is here at once: pieces of an app can be as small as it likes.
      var all: [UInt8] = []
      all.reserveCapacity(size)
      while let piece = pieces.popFirst() { all += piece.readableBytesView }
      size = 0
      reader.resume(returning: all)
      call?.readMore()
      return
    }
    switch end {
    case .success: reader.resume(returning: nil)
    case .failure(let error): reader.resume(throwing: Self.failure(error))
    case nil:
      self.reader = reader
      call?.readMore()
    }
  }

  private static func failure(_ error: any Error) -> any Error { (error as? CallFailure)?.failure ?? error }

  /// The pieces, read one after the other; whoever stops reading ends the call.
  static func stream(
    _ answer: NIOLoopBound<PendingAnswer>, on loop: any EventLoop
  ) -> AsyncThrowingStream<[UInt8], any Error> {
    let reading = Reading(answer: answer, loop: loop)
    return AsyncThrowingStream { try await reading.next() }
  }

  /// Ends the call with the last reference to its stream.
  private final class Reading: Sendable {
    let answer: NIOLoopBound<PendingAnswer>
    let loop: any EventLoop

    init(answer: NIOLoopBound<PendingAnswer>, loop: any EventLoop) {
      self.answer = answer
      self.loop = loop
    }

    func next() async throws -> [UInt8]? {
      try await withTaskCancellationHandler {
        try await withCheckedThrowingContinuation { continuation in
          loop.execute { [answer] in answer.value.next(continuation) }
        }
      } onCancel: {
        loop.execute { [answer] in answer.value.cancel() }
      }
    }

    deinit { loop.execute { [answer] in answer.value.cancel() } }
  }
}
