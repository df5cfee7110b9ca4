import Diagnostics
import Runner
import Storage
import Synchronization

/// Asynchronous calls: each is a row before it begins, and its answer is kept.
package final class Executions: Sendable {
  /// What of an answer is kept.
  static let outputLimit = 1 << 20
  /// Ended ones that are kept of one app.
  static let kept = 1000
  /// How many of one organisation may be under way.
  static let most = 256

  private struct State {
    var tasks: [ExecutionID: (owner: OrganizationName, task: Task<Void, Never>)] = [:]
    var watchers: [ExecutionID: [Int: AsyncStream<Void>.Continuation]] = [:]
    var lastWatcher = 0
  }

  private let data: DataDirectory
  private let caller: any AppCaller
  private let state = Mutex(State())

  package init(data: DataDirectory, caller: any AppCaller) {
    self.data = data
    self.caller = caller
  }

  /// Keeps the execution and begins the call.
  func start(_ request: AppRequest, by owner: OrganizationName) throws(Failure) -> ExecutionRecord {
    let count = state.withLock { state in state.tasks.values.count { $0.owner == owner } }
    guard count < Self.most else {
      throw Failure(
        .resourceExhausted, reason: "executions-too-many",
        "organisation '\(owner)' has \(count) executions under way, as many as it may",
        hint: "wait until one of them ends")
    }
    let record = ExecutionRecord(
      id: request.execution, app: request.app, caller: owner, createdAt: data.clock.now())
    try data.ledger.insert(record, keeping: Self.kept)
    state.withLock { state in
      let task = Task { [self] in await run(record, request) }
      state.tasks[record.id] = (owner, task)
    }
    return record
  }

  /// The execution now and whenever it changes, until it has ended.
  func watch(_ record: ExecutionRecord, of organization: OrganizationName) -> AsyncThrowingStream<
    ExecutionRecord, any Error
  > {
    let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let number = state.withLock { state in
      state.lastWatcher += 1
      state.watchers[record.id, default: [:]][state.lastWatcher] = change
      return state.lastWatcher
    }
    return AsyncThrowingStream { continuation in
      let task = Task { [self] in
        var last: ExecutionRecord?
        change.yield()
        for await _ in changes {
          do {
            guard let now = try data.ledger.execution(record.id, of: organization) else { break }
            if now != last { continuation.yield(now) }
            last = now
            if now.completedAt != nil { break }
          } catch { return continuation.finish(throwing: error) }
        }
        continuation.finish()
      }
      continuation.onTermination = { [weak self] _ in
        task.cancel()
        change.finish()
        self?.state.withLock { state in
          state.watchers[record.id]?[number] = nil
          if state.watchers[record.id]?.isEmpty == true { state.watchers[record.id] = nil }
        }
      }
    }
  }

  /// Ends all; what has not ended is told to be interrupted.
  func stop() async {
    let tasks = state.withLock { $0.tasks.values.map(\.task) }
    for task in tasks { task.cancel() }
    for task in tasks { await task.value }
    let watchers = state.withLock { $0.watchers.values.flatMap(\.values) }
    for watcher in watchers { watcher.finish() }
  }

  /// What the last run of the server left under way nobody calls for any more.
  func recover() throws(Failure) { try data.ledger.interruptExecutions(Self.interrupted, at: data.clock.now()) }

  private static let interrupted = "interrupted: the server stopped while the app was being called; call it again"

  private func run(_ record: ExecutionRecord, _ request: AppRequest) async {
    var record = record
    do {
      let answer = try await caller.call(request)
      record.statusCode = answer.status
      record.status = answer.status < 400 ? .succeeded : .failed
      if answer.status >= 400 { record.error = "the app answered \(answer.status)" }
      for try await piece in answer.body {
        let room = Self.outputLimit - record.output.count
        record.output += piece.prefix(room)
        guard piece.count > room else { continue }
        record.status = .failed
        record.error =
          "output-too-large: the app answered with more than 1 MiB, of which the beginning is kept; "
          + "call it with Invoke, which streams"
        break
      }
      if Task.isCancelled { throw CancellationError() }
    } catch {
      record.status = .failed
      record.error = Task.isCancelled ? Self.interrupted : Failure(wrapping: error, while: "the call").oneLine
    }
    record.completedAt = data.clock.now()
    // Where the ledger cannot be written the next start ends it.
    _ = try? data.ledger.finish(record)
    let watchers = state.withLock { state in
      state.tasks[record.id] = nil
      return Array((state.watchers[record.id] ?? [:]).values)
    }
    for watcher in watchers { watcher.yield() }
  }
}
