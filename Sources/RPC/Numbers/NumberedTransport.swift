import Diagnostics
import GRPCCore
import Synchronization

/// A transport whose messages arrive and leave with the numbers of a set of descriptors, between the wire and the
/// services; without a set it is the transport itself.
struct NumberedTransport<Base: ServerTransport>: ServerTransport {
  typealias Bytes = Base.Bytes

  let base: Base
  let numbers: FieldNumbers?

  func configure(context: GRPCServerContext) { base.configure(context: context) }

  func beginGracefulShutdown() { base.beginGracefulShutdown() }

  func listen(
    streamHandler: @escaping @Sendable (_ stream: RPCStream<Inbound, Outbound>, _ context: ServerContext) async -> Void
  ) async throws {
    guard let numbers else { return try await base.listen(streamHandler: streamHandler) }
    try await base.listen { stream, context in
      await streamHandler(Self.numbered(stream, numbers), context)
    }
  }

  private static func numbered(
    _ stream: RPCStream<Inbound, Outbound>, _ numbers: FieldNumbers
  ) -> RPCStream<Inbound, Outbound> {
    guard let method = numbers[stream.descriptor] else { return stream }
    let client = CallNumbers()
    return RPCStream(
      descriptor: stream.descriptor,
      inbound: RPCAsyncSequence(
        wrapping: NumberedRequests<Bytes>(
          base: stream.inbound, transcoder: numbers.inward, message: method.request, client: client)),
      outbound: RPCWriter.Closable(
        wrapping: NumberedAnswers<Bytes>(
          base: stream.outbound, transcoder: numbers.outward, message: method.answer, client: client)))
  }
}

/// Whether one call's client uses this server's own numbers; known once its metadata came, before any message.
private final class CallNumbers: Sendable {
  private let own = Atomic<Bool>(false)

  var areOwn: Bool { own.load(ordering: .acquiring) }

  func read(_ metadata: Metadata) {
    let value = metadata[stringValues: FieldNumbers.ownKey].first { _ in true }
    own.store(value == FieldNumbers.ownValue, ordering: .releasing)
  }
}

/// Requests in our numbers.
private struct NumberedRequests<Bytes: GRPCContiguousBytes & Sendable>: AsyncSequence, Sendable {
  typealias Element = RPCRequestPart<Bytes>
  typealias Failure = any Error

  let base: RPCAsyncSequence<Element, any Error>
  let transcoder: WireTranscoder
  let message: Int
  let client: CallNumbers

  struct AsyncIterator: AsyncIteratorProtocol {
    var base: RPCAsyncSequence<Element, any Error>.AsyncIterator
    let transcoder: WireTranscoder
    let message: Int
    let client: CallNumbers

    mutating func next(isolation actor: isolated (any Actor)?) async throws(any Error) -> Element? {
      switch try await base.next(isolation: actor) {
      case .metadata(let metadata):
        client.read(metadata)
        return .metadata(metadata)
      case .message(let bytes):
        if client.areOwn || transcoder.isTheSame(message) { return .message(bytes) }
        return .message(try transcoder.transcoded(bytes, message))
      case nil: return nil
      }
    }

    mutating func next() async throws -> Element? { try await next(isolation: nil) }
  }

  func makeAsyncIterator() -> AsyncIterator {
    AsyncIterator(base: base.makeAsyncIterator(), transcoder: transcoder, message: message, client: client)
  }
}

/// Answers in the client's numbers.
private struct NumberedAnswers<Bytes: GRPCContiguousBytes & Sendable>: ClosableRPCWriterProtocol {
  typealias Element = RPCResponsePart<Bytes>

  let base: RPCWriter<Element>.Closable
  let transcoder: WireTranscoder
  let message: Int
  let client: CallNumbers

  func write(_ element: Element) async throws { try await base.write(numbered(element)) }

  func write(contentsOf elements: some Sequence<Element>) async throws {
    for element in elements { try await write(element) }
  }

  func finish() async { await base.finish() }

  func finish(throwing error: any Error) async { await base.finish(throwing: error) }

  private func numbered(_ part: Element) throws -> Element {
    guard case .message(let bytes) = part, !client.areOwn, !transcoder.isTheSame(message) else { return part }
    return .message(try transcoder.transcoded(bytes, message))
  }
}

extension WireTranscoder {
  fileprivate func transcoded<Bytes: GRPCContiguousBytes>(_ bytes: Bytes, _ place: Int) throws -> Bytes {
    Bytes(try bytes.withUnsafeBytes { try transcoded($0, place) })
  }
}
