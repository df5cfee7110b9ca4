import Diagnostics
import Storage

/// A build's log, ending with the build; pulls events at the reader's own pace.
///
/// Its elements are runs of lines: what a piece of the event list holds, so that a hundred megabytes cost few turns.
package struct LogSequence: AsyncSequence, Sendable {
  package typealias Element = LogBatch
  private let events: EventSequence?
  private let skip: LogSkip
  /// Makes each line late, while a fault asks for that.
  package var slow: SlowLog?

  /// Renders `events`, which begin with the build's first, without what `skip` names; nil is an empty log.
  init(events: EventSequence?, skip: LogSkip = .lines(0)) {
    self.events = events
    self.skip = skip
  }

  package struct Iterator: AsyncIteratorProtocol {
    var events: EventSequence.AsyncIterator?
    let skip: LogSkip
    let slow: SlowLog?
    /// Lines that come one by one.
    var late: [LogBatch] = []
    var renderer = LogRenderer()
    /// Lines of the whole log before the next.
    var count = 0

    package mutating func next() async throws(Failure) -> LogBatch? {
      if late.isEmpty {
        guard let batch = try await nextBatch() else { return nil }
        guard let slow, slow.isOn else { return batch }
        late = batch.single.reversed()
      }
      await slow?.wait()
      return late.popLast()
    }

    private mutating func nextBatch() async throws(Failure) -> LogBatch? {
      while let batch = try await events?.nextBatch() {
        let first = count
        var lines: [LogLine] = []
        lines.reserveCapacity(batch.count)
        var skipped = 0
        var begins = false
        for event in batch {
          let before = lines.count
          renderer.append(event, to: &lines)
          if case .events(let last) = skip, event.sequence <= last {
            skipped += lines.count - before
            lines.removeSubrange(before...)
            if event.sequence == last { begins = true }
          }
        }
        count += lines.count + skipped
        if case .lines(let wanted) = skip, first < wanted {
          skipped = Swift.min(wanted - first, lines.count)
          lines.removeFirst(skipped)
        }
        if begins || !lines.isEmpty { return LogBatch(first: first + skipped + 1, lines: lines) }
      }
      return nil
    }
  }

  package func makeAsyncIterator() -> Iterator { Iterator(events: events?.makeAsyncIterator(), skip: skip, slow: slow) }
}

/// What of a log's beginning a reader does not want.
enum LogSkip: Sendable, Hashable {
  /// So many lines, which the reader has.
  case lines(Int)
  /// The lines of the events up to this one, which were before the reader came.
  case events(Int)
}

/// Some lines of a build's log; none where a reader from now on only hears where it stands, so that it can come back
/// before there was a line.
package struct LogBatch: Sendable, Hashable {
  /// Number of the first line in the whole log, from 1: what a reader goes on after.
  package var first: Int
  package var lines: [LogLine]

  /// The same as batches of one line; itself where it has none.
  fileprivate var single: [LogBatch] {
    guard lines.count > 1 else { return [self] }
    return lines.enumerated().map { LogBatch(first: first + $0.offset, lines: [$0.element]) }
  }
}
