import Diagnostics
import Storage

/// A build's log, line by line, ending with the build; pulls events at the reader's own pace.
package struct LogSequence: AsyncSequence, Sendable {
  package typealias Element = LogLine
  private let events: EventSequence?
  private let after: Int

  /// Renders `events`, dropping the lines of those up to sequence number `after`; nil is an empty log.
  init(events: EventSequence?, after: Int) {
    self.events = events
    self.after = after
  }

  package struct Iterator: AsyncIteratorProtocol {
    var events: EventSequence.AsyncIterator?
    let after: Int
    var renderer = LogRenderer()
    var waiting: ArraySlice<LogLine> = []

    package mutating func next() async throws -> LogLine? {
      while waiting.isEmpty {
        guard let event = try await events?.next() else { return nil }
        let lines = renderer.lines(for: event)
        if event.sequence > after { waiting = lines[...] }
      }
      return waiting.popFirst()
    }
  }

  package func makeAsyncIterator() -> Iterator { Iterator(events: events?.makeAsyncIterator(), after: after) }
}
