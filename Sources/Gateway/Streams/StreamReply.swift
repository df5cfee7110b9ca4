import Diagnostics
import HTTPTypes
import HummingbirdCore
import NIOCore

/// Writes a sequence of messages as a response that stays open until the sequence ends or the client goes.
struct StreamReply: Sendable {
  /// Time between heartbeats on a silent event stream.
  let heartbeat: Duration

  /// Errors thrown by the sequence or by `item` become the stream's last message.
  func response<Messages: AsyncSequence & Sendable>(
    to call: Call,
    of messages: Messages,
    item: @escaping @Sendable (Messages.Element) throws(Failure) -> StreamItem
  ) -> Response {
    response(to: call, of: messages) { (message, format) throws(Failure) in format.frame(try item(message)) }
  }

  /// The same for elements that are several messages; `frames` answers with them as they are written.
  func response<Messages: AsyncSequence & Sendable>(
    to call: Call,
    of messages: Messages,
    frames: @escaping @Sendable (Messages.Element, StreamFormat) throws(Failure) -> [UInt8]
  ) -> Response {
    let format = StreamFormat(accept: call.header(.accept))
    let pipeline = call.context.channel?.pipeline
    let heartbeat = heartbeat
    return Response(
      status: .ok,
      headers: [.contentType: format.contentType, .cacheControl: "no-store"],
      body: ResponseBody { writer in
        let spool = ByteSpool()
        let watch = DepartureWatch { spool.finish() }
        try await pipeline?.addHandler(watch, position: .first)
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask { await Self.produce(messages, into: spool, format, frames) }
          if format == .events { group.addTask { await Self.beat(every: heartbeat, into: spool, format) } }
          defer { group.cancelAll() }
          while let bytes = await spool.take() { try await writer.write(bytes) }
        }
        try await writer.finish(nil)
        try await pipeline?.removeHandler(watch)
      }
    )
  }

  private static func produce<Messages: AsyncSequence>(
    _ messages: Messages,
    into spool: ByteSpool,
    _ format: StreamFormat,
    _ frames: @Sendable (Messages.Element, StreamFormat) throws(Failure) -> [UInt8]
  ) async {
    defer { spool.finish() }
    do {
      for try await message in messages {
        guard await spool.put(try frames(message, format)) else { return }
      }
      _ = await spool.put(format.end)
    } catch {
      guard !(error is CancellationError) else { return }
      _ = await spool.put(format.failure(Failure(wrapping: error, while: "the stream")))
    }
  }

  private static func beat(every interval: Duration, into spool: ByteSpool, _ format: StreamFormat) async {
    while (try? await Task.sleep(for: interval)) != nil { spool.putIfIdle(format.heartbeat) }
  }
}
