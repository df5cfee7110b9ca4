import Diagnostics
import Synchronization
import SystemPackage

/// The events of every build and of every compile of an app, one file `builds/<id>/events.ndjson` each.
package final class EventLogs: Sendable {
  private let directory: FilePath
  private let durability: Durability
  private let clock: WallClock
  /// Logs that may still grow; appending and following must meet at the same one.
  private let growing = Mutex(Growing())

  private struct Growing {
    var logs: [String: EventLog] = [:]
    var isInterrupted = false
  }

  init(_ directory: FilePath, durability: Durability, clock: WallClock) {
    self.directory = directory
    self.durability = durability
    self.clock = clock
  }

  /// Numbers, dates and writes the event, and wakes who follows. After `finished` throws `build-log-finished`.
  ///
  /// The terminal event is on the disk when this returns; earlier ones survive `kill -9` but not the loss of power.
  @discardableResult
  package func append(_ kind: BuildEvent.Kind, to id: some PrefixedIdentifier) throws(Failure) -> BuildEvent {
    guard let event = try append(contentsOf: [kind], to: id).first else {
      throw Failure(.internal, reason: "event-lost", "an event of build '\(id)' was not written")
    }
    return event
  }

  /// Appends several at the cost of one: all of them or, when writing fails, none.
  @discardableResult
  package func append(contentsOf kinds: [BuildEvent.Kind], to id: some PrefixedIdentifier) throws(Failure)
    -> [BuildEvent]
  {
    let log = try log(of: id)
    defer { if log.isFinished { forget(id) } }
    return try log.append(kinds)
  }

  /// The build's events with sequence numbers from `first` (1 is the first of all), in order, without gaps.
  ///
  /// With `follow`, waits for more until the terminal event; without, ends with the last one that is there when
  /// reading begins.
  package func events(
    of id: some PrefixedIdentifier,
    from first: Int = 1,
    follow: Bool
  ) throws(Failure) -> EventSequence {
    EventSequence(log: try log(of: id), first: first, follow: follow)
  }

  /// The last event's sequence number, 0 when there is none: to follow from now, begin at the one after it.
  package func lastSequence(of id: some PrefixedIdentifier) throws(Failure) -> Int { try log(of: id).lastSequence }

  /// Whether the terminal event was written.
  package func isFinished(_ id: some PrefixedIdentifier) throws(Failure) -> Bool { try log(of: id).isFinished }

  /// Bytes that the build's events take on disk.
  package func size(of id: some PrefixedIdentifier) throws(Failure) -> ByteCount {
    ByteCount(try log(of: id).currentEnd.offset)
  }

  /// Ends every following at what is written by then, with `stream-interrupted`: for a server that stops, whose waiting
  /// builds will say nothing more.
  package func interruptFollowers() {
    let logs = growing.withLock { growing in
      growing.isInterrupted = true
      return Array(growing.logs.values)
    }
    for log in logs { log.interrupt() }
  }

  /// The build's own folder, where its other files lie beside the events.
  package func folder(of id: some PrefixedIdentifier) -> FilePath { directory.appending(id.text) }

  private func log(of id: some PrefixedIdentifier) throws(Failure) -> EventLog {
    try growing.withLock { growing throws(Failure) in
      if let log = growing.logs[id.text] { return log }
      let path = folder(of: id).appending("events.ndjson")
      let log = try EventLog(path, durability: durability, clock: clock)
      if growing.isInterrupted { log.interrupt() }
      if !log.isFinished { growing.logs[id.text] = log }
      return log
    }
  }

  private func forget(_ id: some PrefixedIdentifier) { growing.withLock { $0.logs[id.text] = nil } }
}
