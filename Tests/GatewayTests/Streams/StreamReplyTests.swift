import Diagnostics
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import Testing

@testable import Gateway

@Suite struct StreamReplyTests {
  @Test("a failure after the first message is the last one")
  func failureInside() async throws {
    let failure = Failure(.dataLoss, reason: "torn", "the log is torn", hint: "look")
    let lines = try await Answer(Self.respond(Self.numbers(1...2, then: failure)))
    #expect(lines.status == 200)
    #expect(lines.lines.count == 3)
    #expect(lines.lines[2].hasPrefix(#"{"error":{"code":15"#))
    let events = try await Answer(Self.respond(Self.numbers(1...2, then: failure), accept: "text/event-stream"))
    #expect(events.text.contains("event: error\ndata: {\"code\":15"))
    #expect(!events.text.contains("event: end"))
  }

  @Test("many messages share few writes")
  func gathers() async throws {
    let writer = CollectingWriter()
    try await Self.respond(Self.numbers(1...20_000)).body.write(writer)
    #expect(writer.text.split(separator: "\n").count == 20_000)
    #expect(writer.text.hasSuffix("20000\n"))
    #expect(writer.writes < 20_000)
  }

  @Test("a silent event stream says that it lives, a silent line stream says nothing")
  func heartbeats() async throws {
    let (numbers, feed) = AsyncStream.makeStream(of: Int.self)
    let writer = WaitingWriter { text in if text.contains("still here") { feed.finish() } }
    try await Self.respond(numbers, accept: "text/event-stream").body.write(writer)
    #expect(writer.text.hasPrefix(": still here\n\n"))
    #expect(StreamFormat(accept: nil).heartbeat.isEmpty)
  }

  @Test("a writer that fails ends the reading")
  func clientGone() async throws {
    let (numbers, feed) = AsyncStream.makeStream(of: Int.self)
    feed.yield(1)
    await #expect(throws: CancellationError.self) {
      try await Self.respond(numbers).body.write(BrokenWriter())
    }
    // The sequence was let go of, else this call would not have returned.
    feed.finish()
  }

  private static func numbers(_ range: ClosedRange<Int>, then failure: Failure? = nil) -> AsyncThrowingStream<
    Int, any Error
  > {
    AsyncThrowingStream { feed in
      for number in range { feed.yield(number) }
      feed.finish(throwing: failure)
    }
  }

  private static func respond<Numbers: AsyncSequence & Sendable>(_ numbers: Numbers, accept: String? = nil) -> Response
  where Numbers.Element == Int {
    var headers: HTTPFields = [:]
    headers[.accept] = accept
    let head = HTTPRequest(method: .get, scheme: "http", authority: "localhost", path: "/", headerFields: headers)
    let call = Call(
      Request(head: head, body: RequestBody(buffer: ByteBuffer())),
      GatewayContext(isFromLoopback: true, logger: Logger(label: "test"))
    )
    return StreamReply(heartbeat: .milliseconds(1)).response(to: call, of: numbers) { number in
      StreamItem(json: Array("\(number)".utf8))
    }
  }
}

/// Tells after every write what was written so far.
private final class WaitingWriter: ResponseBodyWriter, Sendable {
  private let inner = CollectingWriter()
  private let tell: @Sendable (String) -> Void
  var text: String { inner.text }
  init(_ tell: @escaping @Sendable (String) -> Void) { self.tell = tell }
  func write(_ buffer: ByteBuffer) async throws {
    try await inner.write(buffer)
    tell(inner.text)
  }
  func finish(_ trailingHeaders: HTTPFields?) async throws {}
}

/// A client that has gone.
private struct BrokenWriter: ResponseBodyWriter {
  mutating func write(_ buffer: ByteBuffer) async throws { throw CancellationError() }
  consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
