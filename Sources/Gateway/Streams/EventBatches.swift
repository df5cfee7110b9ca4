import Diagnostics
import Storage

/// A build's events in runs: as many as are at hand.
struct EventBatches: AsyncSequence, Sendable {
  typealias Element = [BuildEvent]
  let events: EventSequence

  struct Iterator: AsyncIteratorProtocol {
    var events: EventSequence.Iterator
    mutating func next() async throws(Failure) -> [BuildEvent]? { try await events.nextBatch() }
  }

  func makeAsyncIterator() -> Iterator { Iterator(events: events.makeAsyncIterator()) }
}

extension StreamFormat {
  /// Events with their sequence numbers, where the format has a place for it.
  func frames(_ events: [BuildEvent]) throws(Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(192 * events.count)
    for event in events {
      if self == .events {
        bytes += Array("id: \(event.sequence)\ndata: ".utf8)
      }
      try EventLine.append(event, to: &bytes)
      if self == .events { bytes.append(0x0a) }
    }
    return bytes
  }
}
