import Diagnostics
import Synchronization
import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The events of one build: a file that only grows, and who waits for it to.
///
/// Followers read the file at their own pace and are only woken, so that a slow one costs nothing but itself.
final class EventLog: Sendable {
  let path: FilePath
  private let durability: Durability
  private let clock: WallClock

  private struct State {
    /// Bytes of whole lines; followers read no further.
    var end: Int64
    var last: Int
    var isFinished: Bool
    /// Whether nobody may wait for more, finished or not.
    var isInterrupted = false
    /// Nil until the first append of this process.
    var descriptor: FileDescriptor?
    var waiting: [UInt64: CheckedContinuation<Void, Never>] = [:]
    var nextWaiter: UInt64 = 0
  }

  private let state: Mutex<State>

  /// Finds the log's end. A last line that `kill -9` tore is cut off, and so is what a loss of power left
  /// without meaning.
  init(_ path: FilePath, durability: Durability, clock: WallClock) throws(Failure) {
    self.path = path
    self.durability = durability
    self.clock = clock
    let tail = try EventTail(of: path)
    if let size = path.fileSize, size.bytes > tail.end {
      try path.system("cutting a torn line") { truncate($0, off_t(tail.end)) }
    }
    state = Mutex(State(end: tail.end, last: tail.sequence, isFinished: tail.isFinished))
  }

  deinit {
    state.withLock { state in try? state.descriptor?.close() }
  }

  var lastSequence: Int { state.withLock { $0.last } }
  var isFinished: Bool { state.withLock { $0.isFinished } }
  var isInterrupted: Bool { state.withLock { $0.isInterrupted } }
  /// How far readers may read, the sequence number of the last event before it, and whether that is the end for ever.
  var currentEnd: (offset: Int64, sequence: Int, isFinal: Bool) {
    state.withLock { ($0.end, $0.last, $0.isFinished) }
  }

  /// Numbers, dates and writes the events with one write(2); all of them or, when that fails, none.
  /// The terminal one closes the log, and is synced when the directory is durable.
  func append(_ kinds: [BuildEvent.Kind]) throws(Failure) -> [BuildEvent] {
    guard !kinds.isEmpty else { return [] }
    let now = clock.now()
    let (events, woken, sync) = try state.withLock { state throws(Failure) in
      guard !state.isFinished, kinds.dropLast().allSatisfy({ !$0.isFinished }) else {
        throw Failure(
          .failedPrecondition,
          reason: "build-log-finished",
          "an event came after the build's last one",
          cause: path.string
        )
      }
      let first = state.last + 1
      let events = kinds.enumerated().map { BuildEvent(sequence: first + $0.offset, at: now, kind: $0.element) }
      var bytes: [UInt8] = []
      bytes.reserveCapacity(128 * events.count)
      for event in events { try EventLine.append(event, to: &bytes) }
      try write(bytes, &state)
      state.end += Int64(bytes.count)
      state.last = first + events.count - 1
      let sync = kinds.last?.isFinished == true ? close(&state) : .success(())
      let woken = Array(state.waiting.values)
      state.waiting = [:]
      return (events, woken, sync)
    }
    for waiter in woken { waiter.resume() }
    try sync.get()
    return events
  }

  private func close(_ state: inout State) -> Result<Void, Failure> {
    defer {
      try? state.descriptor?.close()
      state.descriptor = nil
      state.isFinished = true
    }
    return Result { () throws(Failure) in
      if durability == .durable { try state.descriptor?.synchronize(path) }
    }
  }

  private func write(_ bytes: [UInt8], _ state: inout State) throws(Failure) {
    let descriptor: FileDescriptor
    if let open = state.descriptor {
      descriptor = open
    } else {
      try path.removingLastComponent().makeDirectory()
      descriptor = try path.open(O_WRONLY | O_CREAT | O_APPEND, "opening a build's events")
      state.descriptor = descriptor
    }
    do throws(Failure) {
      try descriptor.writeAll(bytes, to: path)
    } catch {
      // Half a line must not stay: the next event would be written behind it.
      ftruncate(descriptor.rawValue, off_t(state.end))
      throw error
    }
  }

  /// Ends the waiting of everybody, now and from now on: who follows reads what there is and hears of it.
  func interrupt() {
    let woken = state.withLock { state in
      state.isInterrupted = true
      defer { state.waiting = [:] }
      return Array(state.waiting.values)
    }
    for waiter in woken { waiter.resume() }
  }

  static let interruption = Failure(
    .unavailable,
    reason: "stream-interrupted",
    "the server stops before the build is over",
    hint: "when it runs again, go on with: kindling build logs ID --from-start"
  )

  /// Returns when there is more than `offset`, when nothing more will come, or when the task is cancelled.
  func wait(beyond offset: Int64) async {
    let waiter = state.withLock { state in
      state.nextWaiter += 1
      return state.nextWaiter
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let mustWait = state.withLock { state in
          guard state.end <= offset, !state.isFinished, !state.isInterrupted, !Task.isCancelled else { return false }
          state.waiting[waiter] = continuation
          return true
        }
        if !mustWait { continuation.resume() }
      }
    } onCancel: {
      state.withLock { $0.waiting.removeValue(forKey: waiter) }?.resume()
    }
  }
}

extension BuildEvent.Kind {
  var isFinished: Bool { if case .finished = self { true } else { false } }
}
