import Diagnostics
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The events of a build as its reader pulls them: read from the file at the reader's pace, in pieces of 64 KiB,
/// so that any number of slow readers costs the build nothing.
package struct EventSequence: AsyncSequence, Sendable {
  package typealias Element = BuildEvent
  package typealias Failure = Diagnostics.Failure

  let log: EventLog
  let first: Int
  let follow: Bool

  package func makeAsyncIterator() -> Iterator { Iterator(log: log, first: first, follow: follow) }

  /// One reader. A reader whose task is cancelled gets `cancelled` thrown instead of waiting.
  package struct Iterator: AsyncIteratorProtocol, Sendable {
    package typealias Element = BuildEvent
    package typealias Failure = Diagnostics.Failure

    private let log: EventLog
    private let follow: Bool
    private let first: Int
    /// Where reading stops when not following.
    private let limit: Int64
    private var lines: LineReader
    /// Number of the line last taken; lines and sequence numbers are the same.
    private var number: Int
    private var isOver = false

    init(log: EventLog, first: Int, follow: Bool) {
      self.log = log
      self.follow = follow
      self.first = first
      let end = log.currentEnd
      limit = end.offset
      // Who only wants what is to come does not read what was.
      let isAtEnd = first > end.sequence
      number = isAtEnd ? end.sequence : 0
      lines = LineReader(path: log.path, offset: isAtEnd ? end.offset : 0)
    }

    package mutating func next() async throws(Diagnostics.Failure) -> BuildEvent? {
      while try await isMore() {
        if let event = try takeOne() { return event }
      }
      return nil
    }

    /// Every event at hand, as many as a piece of the file holds, and at least one; nil at the end. A reader of all
    /// of them has a tenth of the turns.
    package mutating func nextBatch() async throws(Diagnostics.Failure) -> [BuildEvent]? {
      var events: [BuildEvent] = []
      while try await isMore() {
        while let event = try takeOne() { events.append(event) }
        if !events.isEmpty { return events }
      }
      return nil
    }

    /// The next event of what was read; nil when more must be read first, or nothing follows.
    private mutating func takeOne() throws(Diagnostics.Failure) -> BuildEvent? {
      while !isOver {
        let skips = number + 1 < first
        guard let taken = lines.take({ (line) -> BuildEvent? in skips ? nil : EventLine.event(line) }) else {
          return nil
        }
        number += 1
        if skips { continue }
        guard let event = taken else {
          throw Failure(
            .dataLoss,
            reason: "build-log-damaged",
            "line \(number) of '\(log.path)' is not a build event"
          )
        }
        isOver = event.kind.isFinished
        return event
      }
      return nil
    }

    /// Reads on when nothing that was read is left, waiting for more where that is asked; false at the end.
    private mutating func isMore() async throws(Diagnostics.Failure) -> Bool {
      while !isOver, !lines.mayHoldLine {
        let end = log.currentEnd
        let reach = follow ? end.offset : limit
        if lines.offset < reach {
          try lines.fill(upTo: reach)
        } else if !follow || end.isFinal {
          isOver = true
        } else {
          guard !Task.isCancelled else {
            throw Failure(.cancelled, reason: "cancelled", "following the build was cancelled")
          }
          // Whatever was written is read by now, so that an interruption loses nothing.
          if log.isInterrupted { throw EventLog.interruption }
          await log.wait(beyond: lines.offset)
        }
      }
      return !isOver
    }
  }
}

/// Cuts a growing file into lines, holding one piece of it and never less than the line at hand.
private struct LineReader: Sendable {
  private static let piece = 1 << 16

  let path: FilePath
  /// Everything before it was read.
  private(set) var offset: Int64
  private var file: OpenFile?
  private var buffer: [UInt8] = []
  /// Where the next line begins in `buffer`, and how far no line end was seen.
  private var start = 0
  private var scanned = 0

  init(path: FilePath, offset: Int64) {
    self.path = path
    self.offset = offset
  }

  /// Whether there are bytes in which no line end was looked for.
  var mayHoldLine: Bool { scanned < buffer.count }

  /// Hands the next whole line, without its end, to `body`; nil when more must be read first.
  mutating func take<T>(_ body: (UnsafeRawBufferPointer) -> T) -> T? {
    guard scanned < buffer.count else { return nil }
    let found: (result: T, end: Int)? = buffer.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress, let hit = memchr(base + scanned, 0x0a, bytes.count - scanned) else {
        return nil
      }
      let end = UnsafeRawPointer(hit) - base
      return (body(UnsafeRawBufferPointer(rebasing: bytes[start..<end])), end)
    }
    guard let found else {
      scanned = buffer.count
      return nil
    }
    start = found.end + 1
    scanned = start
    return found.result
  }

  mutating func fill(upTo end: Int64) throws(Failure) {
    let open: OpenFile
    if let file { open = file } else { open = OpenFile(try path.open(O_RDONLY, "opening a build's events")) }
    file = open
    let rest = buffer.count - start
    let wanted = Int(min(Int64(Self.piece), end - offset))
    var count = 0
    var failure: Failure?
    let filled = [UInt8](unsafeUninitializedCapacity: rest + wanted) { space, initialized in
      let bytes = UnsafeMutableRawBufferPointer(space)
      buffer.withUnsafeBytes { bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start...])) }
      do throws(Failure) {
        count = try open.descriptor.read(
          at: offset,
          into: UnsafeMutableRawBufferPointer(rebasing: bytes[rest..<rest + wanted]),
          of: path
        )
      } catch {
        failure = error
      }
      initialized = rest + count
    }
    if let failure { throw failure }
    guard count > 0 else {
      throw Failure(.dataLoss, reason: "build-log-damaged", "'\(path)' is shorter than it was")
    }
    scanned -= start
    start = 0
    buffer = filled
    offset += Int64(count)
  }
}

/// A descriptor that is closed with its last reader.
private final class OpenFile: Sendable {
  let descriptor: FileDescriptor
  init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }
  deinit { try? descriptor.close() }
}
